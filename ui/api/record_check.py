"""Check that a record fits the grid that is shown: other programs may write to the topics."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from tables.shard_view import PaneView, ShardView
from topology.errors import MessageError
from topology.grid import Grid
from topology.messages import RESULT_TIMES, RiskWindow, WindowHead
from topology.shards import shard_nodes

MAX_PANES = 10_000
FIRST_S, LAST_S = (moment.timestamp() for moment in RESULT_TIMES)


@dataclass(frozen=True)
class RecordValidator:
    """What views and windows of one grid look like; ``models`` are their names."""

    grid: Grid
    models: Collection[str]
    partitions: int

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Nodes by shard."""
        return tuple(len(nodes) for nodes in shard_nodes(self.grid, self.partitions))

    def check_view(self, view: ShardView) -> None:
        """Raise MessageError if the view is not of this grid."""
        _refuse(self._amiss(view), f"the view of run {view.run!r} from {view.worker!r}")

    def check_head(self, head: WindowHead, model: str, shard: int) -> None:
        """Raise MessageError if a window is in the wrong place or larger than its shard."""
        problems = [
            (head.model != model, f"is of model {head.model!r}, not {model!r}"),
            (head.shard != shard, f"is of shard {head.shard}, not {shard}"),
            (len(head.risk) > self.sizes[shard], f"has {len(head.risk)} nodes"),
        ]
        _refuse((text for wrong, text in problems if wrong), f"a window of run {head.run!r}")

    def check_window(self, window: RiskWindow) -> None:
        """Raise MessageError if the window is of another grid."""
        if not self.grid.index.keys() >= set(window.nodes):
            problem = f"a window of run {window.run!r} names a node that is not in the topology"
            raise MessageError("invalid", problem)

    def _amiss(self, view: ShardView) -> Iterator[str]:
        if view.model not in self.models:
            yield f"has an unknown model {view.model!r}"
        if not 0 <= view.shard < self.partitions:
            yield f"has shard {view.shard} of {self.partitions}"
            return
        size = self.sizes[view.shard]
        if not (len(view.level) == size and view.stress.is_of(size) and view.risk.is_of(size)):
            yield f"is not of the {size} nodes of shard {view.shard}"
        if not set(view.level) <= {0, 1, 2, 3}:
            yield "has an unknown level"
        if not all(0 <= episode.node < size for episode in view.open_episodes):
            yield "has an episode of an unknown node"
        if not isfinite(view.published_at):
            yield "was published at no time"
        times = (view.event_time_s, view.watermark_s, view.closed_until_s, view.window_end_s)
        starts = [pane.start_s for pane in view.panes]
        if not all(FIRST_S <= t <= LAST_S for t in (*times, *starts) if t is not None):
            yield "has a time out of range"
        if len(view.panes) > MAX_PANES or not all(self._fits(p, size) for p in view.panes):
            yield "has panes that are not of the topology"

    def _fits(self, pane: PaneView, size: int) -> bool:
        return pane.stress.is_of(size) and pane.source_stress.is_of(len(self.grid.nodes))


def _refuse(problems: Iterator[str], what: str) -> None:
    for problem in problems:
        raise MessageError("invalid", f"{what} {problem}")
