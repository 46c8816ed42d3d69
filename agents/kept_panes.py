"""Panes in memory between two batches, so that they are not read and decoded again."""

from dataclasses import dataclass, field

from tables.risk_table import RiskTable, TumblingPanes


@dataclass
class KeptPanes:
    """By shard, the panes of the last batch, exactly as they were written.

    Who takes them keeps them again, but only once all that was changed is written:
    after a failure they are read anew.
    """

    table: RiskTable
    _panes: dict[int, TumblingPanes] = field(default_factory=dict)

    def take(self, run: str, shard: int) -> TumblingPanes:
        """A run's panes: those that were kept, or from the table."""
        panes = self._panes.pop(shard, None)
        return panes if panes and panes.run == run else self.table.panes(run, shard)

    def keep(self, shard: int, panes: TumblingPanes) -> None:
        """Keep panes that have been written."""
        self._panes[shard] = panes

    def forget(self, shard: int) -> None:
        """Let go of a shard's panes: it was taken over, and another worker may have changed it."""
        self._panes.pop(shard, None)
