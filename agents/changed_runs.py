"""Runs whose state has changed since their views were published."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class ChangedRuns:
    """Shards and runs of one model's table."""

    _changed: set[tuple[int, str]] = field(default_factory=set)

    def add(self, shard: int, *runs: str) -> None:
        """Note that the state of runs has changed."""
        self._changed |= {(shard, run) for run in runs}

    def discard(self, shard: int, run: str) -> None:
        """Forget a run, which has no state any more."""
        self._changed.discard((shard, run))

    def take(self, shards: Iterable[int]) -> dict[int, list[str]]:
        """Give the changed runs of these shards, sorted; from now on nothing has changed."""
        changed, self._changed = self._changed, set()
        return {shard: sorted(run for s, run in changed if s == shard) for shard in sorted(shards)}
