"""Which runs a shard knows, and which it has forgotten, without reading its table again."""

from dataclasses import dataclass, field
from typing import NamedTuple, Self

from tables.shard_state import ForgottenRun, ShardState


class RunMark(NamedTuple):
    """What decides how long a run is kept; see `ShardState`."""

    turn: int
    started_ms: int
    ended_zones: frozenset[str]

    @classmethod
    def of(cls, state: ShardState) -> Self:
        """The mark of a state."""
        return cls(state.turn, state.started_ms, frozenset(state.ended_s))


@dataclass
class RunIndex:
    """The runs of one shard, as they were last written.

    Attributes
    ----------
    runs
        By run, its mark.
    forgotten
        Runs of which only a tombstone is left, the one forgotten first first.
    orphans
        Keys of panes that no run claims: a crash came while their run was being dropped.
    """

    runs: dict[str, RunMark] = field(default_factory=dict)
    forgotten: dict[str, int] = field(default_factory=dict)
    orphans: list[bytes] = field(default_factory=list)
    _turn: int = 0

    def next_turn(self) -> int:
        """A number greater than any before in this shard."""
        self._turn += 1
        return self._turn

    def note(self, run: str, entry: ShardState | ForgottenRun | None) -> None:
        """Take note of what was written of a run; None if nothing is left of it."""
        if isinstance(entry, ShardState):
            self.runs[run] = RunMark.of(entry)
            self.forgotten.pop(run, None)
        else:
            self.runs.pop(run, None)
            self.forgotten.pop(run, None)
        if isinstance(entry, ForgottenRun):
            self.forgotten[run] = entry.turn
        if entry is not None:
            self._turn = max(self._turn, entry.turn)

    def sort_forgotten(self) -> None:
        """Put the forgotten runs in the order in which they were forgotten."""
        self.forgotten = dict(sorted(self.forgotten.items(), key=lambda item: item[1]))
