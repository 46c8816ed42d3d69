"""The risk stage as an agent runs it: read, fold, send, acknowledged, write. The caller acks.

This order is what makes every frame count exactly once (``docs/design.md``). What was sent and not
written is sent again with the same ids; what was written and not acked is known as a repeat.
"""

import time
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

from agents.batches import is_wanted
from agents.changed_runs import ChangedRuns
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.detection import check_run
from agents.idle_zones import IdleZones
from agents.kept_panes import KeptPanes
from agents.kept_runs import Dropped, KeptRuns
from agents.outbox import Outbox, Record, Topic
from agents.risk import MAX_WINDOWS, RiskModel, SkippedRows
from agents.running import OtherTopology
from agents.skipped_rows import SkippedRowReporter
from tables.risk_table import Change, RiskTable, ShardLost, TumblingPanes
from tables.shard_state import ForgottenRun, ShardState
from tables.spans import panes_with_rows
from topology.codec import FORMATS, Format, decode, encode_all
from topology.errors import MessageError
from topology.messages import Level, PropagatedFrame, State

Step = tuple[Level, State]
Folded = list[tuple[Any, SkippedRows]]
"""The events whose frames were new, with the rows of each that do not count."""

TOGETHER_PARTS = 300_000
"""Entries of influence behind the windows whose alerts are made together, were all nodes in alarm:
together they take half the time, and memory by the entry."""


@dataclass
class RiskStage:
    """Propagated stress of one model to its table, its final windows and its alerts."""

    model: RiskModel
    table: RiskTable
    windows: Topic
    alerts: Topic
    dead_letters: DeadLetters
    counters: StageCounters
    idle_timeout_s: float
    keeps: KeptRuns
    format: Format = FORMATS["msgpack"]
    changed: ChangedRuns = field(default_factory=ChangedRuns)
    _versions: dict[int, Hashable] = field(default_factory=dict)
    """By shard, the take-over in which it was last worked on."""

    def __post_init__(self) -> None:
        name, zones = self.model.name, self.model.grid.zones
        self.idle = IdleZones(name, zones, self.idle_timeout_s)
        self.panes = KeptPanes(self.table)
        self.skipped = SkippedRowReporter(name, self.dead_letters, self.counters)

    async def __call__(self, events: Sequence[Any]) -> int:
        """Work off one partition's records of one run; how many of them, from the first on.

        Raises
        ------
        ShardLost
            If the shard is not this worker's any more, or a rebalance waits. Then nothing that
            was sent is wrong, and nothing was written that the shard's next owner does not read.
        """
        shard = events[0].message.partition
        await self._take_over(shard)
        frames = self._read(events, shard)
        run = frames[0].run
        state, dropped = self.table.entry(run, shard), Dropped()
        if isinstance(state, ForgottenRun):
            await self.skipped.send_forgotten(events, frames, state)
            return len(frames)
        if state is None:
            state, dropped = self._begin(shard, events[0]), self.keeps.make_room(shard)
        self._check_fits(run, shard, state)
        gaps, panes = state.gaps, self.panes.take(run, shard)
        folded = self._fold(events, frames, state, panes)
        for event, skipped in folded:
            await self.skipped.send(event, skipped)
        changes = self.keeps.changes(shard, dropped)
        if self.model.can_close_past_idle(state, self.idle.of(shard, run)):
            # Idleness is not in the log: what it lets close is written before it is sent, or the
            # next owner, who waits anew, might close the same windows with other rows.
            await self._write(shard, run, state, panes, changes)
            changes = []
        whole = await self._send_and_write(events[0], run, state, panes, changes, bool(folded))
        self._forget(shard, self.keeps.note(shard, dropped))
        if whole:
            self.panes.keep(shard, panes.forget(before_s=self.model.needed_from(state)))
        self._count(folded, repeats=len(frames) - len(folded), missing=state.gaps - gaps)
        return len(frames) if whole else 0

    async def _take_over(self, shard: int) -> None:
        """After a take-over: zones are waited for anew, and panes that no run claims are deleted.

        How long this worker has not seen a zone says nothing while another one had the shard.
        """
        version = self.table.version(shard)
        if version is None:
            raise ShardLost(f"shard {shard} is not this worker's")
        if self._versions.get(shard) == version:
            return
        self._versions[shard] = version
        self.idle.restart(shard)
        self.panes.forget(shard)
        index = self.table.index(shard)
        if index.orphans:
            await self.table.write(shard, [(key, None) for key in index.orphans], version)
            index.orphans.clear()

    def _read(self, events: Sequence[Any], shard: int) -> list[PropagatedFrame]:
        """The frames up to the first of another run: starting a run may evict another."""
        frames: list[PropagatedFrame] = []
        for event in events:
            frame = decode(event.value, PropagatedFrame)
            check_run(frame.run, self.keeps.ended_runs)
            if frame.shard != shard:
                raise MessageError("unknown-shard", f"shard {frame.shard} in partition {shard}")
            if frames and frame.run != frames[0].run:
                break
            frames.append(frame)
        return frames

    def _fold(
        self,
        events: Sequence[Any],
        frames: Sequence[PropagatedFrame],
        state: ShardState,
        panes: TumblingPanes,
    ) -> Folded:
        """Add the frames that the state does not know yet to it and its panes, in memory."""
        folded: Folded = []
        for event, frame in zip(events, frames, strict=False):
            if frame.last_seq > state.applied.get(frame.zone, -1):
                skipped = self.model.fold(frame, state, panes)
                # A zone whose clock is wrong for good must not hold the others back for ever.
                zone = frame.zone if len(skipped.ahead) < len(frame.timestamps) else None
                self.idle.note_arrival(frame.shard, frame.run, zone, time.monotonic())
                folded.append((event, skipped))
        return folded

    async def _send_and_write(
        self,
        event: Any,
        run: str,
        state: ShardState,
        panes: TumblingPanes,
        changes: list[Change],
        news: bool,
    ) -> bool:
        """Send what closes, then write; many windows in steps, each with its own state.

        Repeated rows may find windows to close: those that a crash between two steps left open,
        or a rebalance, which does not wait for more than one step; whether all was done.
        """
        shard = event.message.partition
        more, first = True, True
        while more:
            if not first and not is_wanted(event):
                return False
            gone = panes.deletions(self._deletable(state))
            before_s = state.closed_until_s
            more = await self._send(run, shard, state, panes)
            if not (first and news) and state.closed_until_s == before_s:
                return True
            state.forget_spans(self.model.spec)
            await self._write(shard, run, state, panes, [*changes, *gone])
            changes, first = [], False
        return True

    async def _send(self, run: str, shard: int, state: ShardState, panes: TumblingPanes) -> bool:
        """Send up to `MAX_WINDOWS` windows that close, and their alerts; whether there are more.

        Returns once the broker has acknowledged them.
        """
        name, outbox, steps, count = self.model.name, Outbox(), Counter[Step](), 0
        closings = islice(self.model.close(run, shard, state, panes), MAX_WINDOWS)
        of_window = self.model.influence.nnz // self.model.partitions
        together = max(1, TOGETHER_PARTS // max(1, of_window))
        while closed := list(islice(closings, together)):
            count += len(closed)
            key = str(shard).encode()
            written, headers = self.format.encode, [self.format.header]
            windows: list[Record] = [(key, written(c.final), headers) for c in closed]
            outbox.extend(self.windows, shard, windows)
            alerts = self.model.alerts(run, shard, closed)
            keys = [alert.node_id.encode() for alert in alerts]
            records: list[Record] = [
                (key, value, []) for key, value in zip(keys, encode_all(alerts), strict=True)
            ]
            outbox.extend(self.alerts, shard, records)
            steps.update([(alert.level, alert.state) for alert in alerts])
            await outbox.flush_if_full()
        await outbox.flush()
        self.counters.closed[f"risk_{name}"] += count
        for (level, what), n in steps.items():
            self.counters.alarm_steps[name, level, what] += n
        return count == MAX_WINDOWS

    async def _write(
        self, shard: int, run: str, state: ShardState, panes: TumblingPanes, changes: list[Change]
    ) -> None:
        """Write a run's panes and its state, in this order, behind other changes."""
        index = self.table.index(shard)
        state.turn = index.next_turn()
        changes = [*changes, *panes.changes(self.model.needed_from(state))]
        changes.append(self.table.entry_change(run, shard, state))
        await self.table.write(shard, changes, panes.version)
        index.note(run, state)
        self.changed.add(shard, run)

    def _begin(self, shard: int, event: Any) -> ShardState:
        return ShardState.new(len(self.model.shards[shard]), int(event.message.timestamp * 1000))

    def _check_fits(self, run: str, shard: int, state: ShardState) -> None:
        if len(state.level) != (size := len(self.model.shards[shard])):
            problem = f"run {run!r} has {len(state.level)} nodes in shard {shard}, not {size}"
            raise OtherTopology(f"the state of {problem}")

    def _deletable(self, state: ShardState) -> list[int]:
        """Panes that the state, as it was last written, does not ask for any more."""
        oldest_s = self.model.needed_from(state)
        if oldest_s is None or state.first_pane_s is None:
            return []
        floor_s = state.first_pane_s if state.floor_s is None else state.floor_s
        state.floor_s = max(floor_s, oldest_s)
        starts = panes_with_rows(state.spans, floor_s, self.model.spec)
        return list(takewhile(lambda start_s: start_s < oldest_s, starts))

    def _forget(self, shard: int, runs: Sequence[str]) -> None:
        """Let go of what is kept in memory of runs that were dropped."""
        for run in runs:
            self.changed.discard(shard, run)
            self.idle.forget(shard, run)

    def _count(self, folded: Folded, *, repeats: int, missing: int) -> None:
        name, counters = self.model.name, self.counters
        for _, skipped in folded:
            self.skipped.count(skipped)
        counters.missing[name] += missing
        counters.repeated[name] += repeats
        counters.frames[f"risk_{name}"] += len(folded)
