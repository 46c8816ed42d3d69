"""Which runs a shard keeps: a new one may take the place of those that have been quiet longest.

What is dropped leaves a tombstone with the last number applied by zone, in the same write. So a
row that comes again, after a crash or long after, is known as a repeat and never counts as new.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from agents.risk import RiskModel
from tables.risk_table import Change, RiskTable
from tables.run_index import RunMark
from tables.shard_state import ForgottenRun
from tables.spans import panes_with_rows

log = logging.getLogger(__name__)

MAX_GOING_ON = 64
"""Runs that have not ended which a shard keeps."""

Dropped = dict[str, ForgottenRun | None]
"""By run, the tombstone that takes its place; None for a tombstone that is dropped itself."""


@dataclass(frozen=True)
class KeptRuns:
    """The rule for the shards of one model.

    Attributes
    ----------
    max_ended, max_forgotten
        Runs that have ended, and tombstones, that a shard keeps.
    ended_runs
        Runs that were ended when other settings were accepted.
    """

    model: RiskModel
    table: RiskTable
    max_ended: int = 8
    max_forgotten: int = 100_000
    ended_runs: Collection[str] = ()

    def make_room(self, shard: int) -> Dropped:
        """The runs to drop for one more.

        Ended runs first, for behind a backlog many are under way. One whose replay was given up
        never ends; that is what the second limit is for.
        """
        index = self.table.index(shard)
        quiet_last = sorted(index.runs, key=lambda r: (*index.runs[r][:2], r), reverse=True)
        ended = [run for run in quiet_last if self._is_over(run, index.runs[run])]
        going_on = [run for run in quiet_last if not self._is_over(run, index.runs[run])]
        if given_up := going_on[MAX_GOING_ON - 1 :]:
            about = {"model": self.model.name, "shard": shard}
            message = "shard %s forgets runs that have not ended: %s"
            log.warning(message, shard, ", ".join(given_up), extra=about)
        dropped: Dropped = {}
        for run in [*ended[self.max_ended - 1 :], *given_up]:
            state = self.table.state(run, shard)
            assert state is not None
            dropped[run] = ForgottenRun(index.next_turn(), state.applied)
        too_many = len(index.forgotten) + len(dropped) - self.max_forgotten
        dropped.update(dict.fromkeys(islice(index.forgotten, max(0, too_many))))
        return dropped

    def _is_over(self, run: str, mark: RunMark) -> bool:
        return run in self.ended_runs or mark.ended_zones.issuperset(self.model.grid.zones)

    def changes(self, shard: int, dropped: Dropped) -> list[Change]:
        """What to write: each tombstone in the place of the state, then the panes deleted."""
        changes: list[Change] = []
        for run, left in dropped.items():
            if left is None:
                changes.append(self.table.drop_tombstone(run, shard))
                continue
            state = self.table.state(run, shard)
            assert state is not None
            changes.append(self.table.entry_change(run, shard, left))
            if state.first_pane_s is not None:
                floor_s = state.first_pane_s if state.floor_s is None else state.floor_s
                starts = panes_with_rows(state.spans, floor_s, self.model.spec)
                changes += self.table.panes(run, shard).deletions(starts)
        return changes

    def note(self, shard: int, dropped: Dropped) -> list[str]:
        """Take note that this was written; the runs that are known no more."""
        for run, left in dropped.items():
            self.table.index(shard).note(run, left)
        forgotten = [run for run, left in dropped.items() if left is not None]
        for run in forgotten:
            about = {"model": self.model.name, "shard": shard, "run": run}
            log.info("shard %s forgets run %s", shard, run, extra=about)
        return forgotten
