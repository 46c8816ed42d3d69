"""Late, early and forgotten rows: report each on the dead-letter topic, and count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.batches import is_wanted
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.risk import SkippedRows
from tables.risk_table import ShardLost
from tables.shard_state import ForgottenRun
from topology.messages import PropagatedFrame


@dataclass(frozen=True)
class SkippedRowReporter:
    """Sends the dead letters of one model's skipped rows.

    Each method raises `ShardLost` if a rebalance waits, which does not wait for many dead letters.
    """

    model: str
    dead_letters: DeadLetters
    counters: StageCounters

    async def send(self, event: Any, skipped: SkippedRows) -> None:
        """Send a dead letter for a frame's late rows and one for those too far ahead."""
        for reason, where, rows in (
            ("late", "behind", skipped.late),
            ("ahead", "ahead", skipped.ahead),
        ):
            if rows:
                await self._send(event, reason, f"{len(rows)} rows {where}", rows)

    async def send_forgotten(
        self, events: Sequence[Any], frames: Sequence[PropagatedFrame], entry: ForgottenRun
    ) -> None:
        """Send dead letters for rows of a dropped run: known ones repeat, new ones never count."""
        for event, frame in zip(events, frames, strict=False):
            applied = entry.applied.get(frame.zone, -1)
            new = range(max(frame.seq, applied + 1), frame.last_seq + 1)
            if new:
                detail = f"run {frame.run!r} was forgotten: newer runs took its place"
                await self._send(event, "forgotten", detail, new)
                self.counters.skipped_rows[self.model, "forgotten"] += len(new)
            else:
                self.counters.repeated[self.model] += 1

    def count(self, skipped: SkippedRows) -> None:
        """Count rows whose dead letters were sent, once the state knows them."""
        self.counters.skipped_rows[self.model, "late"] += len(skipped.late)
        self.counters.skipped_rows[self.model, "ahead"] += len(skipped.ahead)

    async def _send(self, event: Any, reason: str, detail: str, rows: Sequence[int]) -> None:
        if not is_wanted(event):
            raise ShardLost("a rebalance does not wait for many dead letters")
        listed = ",".join(map(str, rows))
        await self.dead_letters.send(event, f"risk_{self.model}", reason, detail, rows=listed)
