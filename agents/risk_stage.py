"""The stages as agents run them: decode, call the pure part, send, and only then write.

Each takes records in order (risk: those of one partition) and returns how many of them it has
finished, from the first on. ``agents/running.py`` hands them over and acks them.
"""

import logging
import time
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

from agents.batches import is_wanted
from agents.counters import Tally
from agents.dead_letters import DeadLetters
from agents.detection import Detection, check_run
from agents.idle_zones import Silence
from agents.kept_runs import Dropped, KeptRuns
from agents.outbox import Outbox, Topic
from agents.propagation import Propagation
from agents.risk import Aside, RiskModel
from agents.running import OtherTopology
from tables.risk_table import Change, RiskTable, ShardLost, TumblingPanes
from tables.shard_state import ForgottenRun, ShardState
from tables.spans import panes_with_rows
from topology.errors import MessageError
from topology.messages import (
    SENT_MS,
    Level,
    MeasurementFrame,
    PropagatedFrame,
    State,
    StressFrame,
    decode,
    encode,
)

log = logging.getLogger(__name__)

Step = tuple[Level, State]

MAX_WINDOWS = 1_000
"""Windows of one run and shard that close before the state is written."""


@dataclass
class DetectionStage:
    """``grid_measurements`` to ``stress_events``."""

    detect: Detection
    stress_events: Topic
    tally: Tally

    async def __call__(self, events: Sequence[Any]) -> int:
        """Detect the frames' stress and send it to the same partition."""
        outbox, loads = Outbox(), 0
        for event in events:
            measured = decode(event.value, MeasurementFrame)
            loads += len(measured.nodes) * len(measured.timestamps)
            partition = event.message.partition
            sent = SENT_MS, b"%d" % round(event.message.timestamp * 1000)
            for frame in self.detect(measured):
                outbox.add(self.stress_events, frame.zone, encode(frame), partition, sent)
                await outbox.ebb()
        await outbox.acknowledged()
        self.tally.frames["detection"] += len(events)
        self.tally.node_measurements += loads
        return len(events)


@dataclass
class PropagationStage:
    """``stress_events`` to the propagated stress of one model, one frame a shard."""

    model: str
    propagate: Propagation
    propagated: Topic
    tally: Tally

    async def __call__(self, events: Sequence[Any]) -> int:
        """Spread the frames' stress."""
        outbox = Outbox()
        for event in events:
            for frame in self.propagate(decode(event.value, StressFrame)):
                outbox.add(self.propagated, str(frame.shard), encode(frame), frame.shard)
                await outbox.ebb()
        await outbox.acknowledged()
        self.tally.frames[f"propagation_{self.model}"] += len(events)
        return len(events)


@dataclass
class _Taken:
    """What is kept in memory of a shard between two take-overs: nothing that state depends on."""

    version: Hashable
    silence: dict[str, Silence] = field(default_factory=dict)
    panes: TumblingPanes | None = None
    """Those of the last batch, if all that it changed in them was written."""


@dataclass
class RiskStage:
    """Propagated stress of one model to its table, its final windows and its alerts."""

    model: RiskModel
    table: RiskTable
    windows: Topic
    alerts: Topic
    letters: DeadLetters
    tally: Tally
    idle_timeout_s: float
    keeps: KeptRuns
    dirty: set[tuple[int, str]] = field(default_factory=set)
    """Shards and runs whose state has changed since somebody last cleared this."""
    silent: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)
    _taken: dict[int, _Taken] = field(default_factory=dict)

    async def __call__(self, events: Sequence[Any]) -> int:
        """Fold a run's frames, close what the watermark has passed, send, then write.

        Raises
        ------
        ShardLost
            If the shard is not this worker's any more, or a rebalance waits. Then nothing that
            was sent is wrong, and nothing was written that whoever has the shard does not know.
        """
        shard = events[0].message.partition
        if self.table.version(shard) is None:
            raise ShardLost(f"shard {shard} is not this worker's")
        await self._take_up(shard)
        frames = self._of_one_run(events, shard)
        run = frames[0].run
        entry = self.table.entry(run, shard)
        if isinstance(entry, ForgottenRun):
            await self._refuse(events, frames, entry)
            return len(frames)
        state, dropped = entry, Dropped()
        if state is None:
            state, dropped = self._begin(shard, events[0]), self.keeps.make_room(shard)
        self._check_fits(run, shard, state)
        gaps, panes, asides = state.gaps, self._panes(run, shard), []
        for event, frame in zip(events, frames, strict=False):
            if frame.last_seq > state.applied.get(frame.zone, -1):
                aside = self.model.fold(frame, state, panes)
                # A zone whose clock is wrong for good must not hold the others back for ever.
                self._heard(frame, told_time=len(aside.ahead) < len(frame.timestamps))
                asides.append((event, aside))
        changes = self.keeps.changes(shard, dropped)
        whole = await self._close(events[0], run, state, panes, changes, asides)
        self._forget(shard, self.keeps.note(shard, dropped))
        if whole:
            self._taken[shard].panes = panes.forget(before_s=self.model.needed_from(state))
        self._count(asides, state.gaps - gaps)
        self.tally.repeated[self.model.name] += len(frames) - len(asides)
        self.tally.frames[f"risk_{self.model.name}"] += len(asides)
        return len(frames) if whole else 0

    async def _close(
        self,
        event: Any,
        run: str,
        state: ShardState,
        panes: TumblingPanes,
        changes: list[Change],
        asides: Sequence[tuple[Any, Aside]],
    ) -> bool:
        """Send what closes, then write; many windows in steps, each with its own state.

        Repeated rows may find windows to close: those that a crash between two steps left open,
        or a rebalance, which does not wait for more than one step; whether all was done.
        """
        shard = event.message.partition
        for folded, aside in asides:
            await self._set_aside(folded, "late", "behind", aside.late)
            await self._set_aside(folded, "ahead", "ahead", aside.ahead)
        silent = self.silent.get((shard, run), frozenset())
        if self.model.waited_in_vain(state, silent):
            # Silence is not in the log: what it lets close is written before it is sent, or the
            # next owner, who waits anew, might close the same windows with other rows.
            await self._write(shard, run, state, panes, changes)
            changes = []
        more, first = True, True
        while more:
            if not first and not is_wanted(event):
                return False
            gone = panes.deletions(self._deletable(state))
            before_s = state.closed_until_s
            more = await self._send(run, shard, state, panes)
            if not (first and asides) and state.closed_until_s == before_s:
                return True
            state.forget_spans(self.model.spec)
            await self._write(shard, run, state, panes, [*changes, *gone])
            changes, first = [], False
        return True

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
        self.dirty.add((shard, run))

    async def _take_up(self, shard: int) -> None:
        """After a take-over: zones are waited for anew, and panes that no run claims are deleted.

        How long this worker has not seen a zone says nothing while another one had the shard.
        """
        version = self.table.version(shard)
        known = self._taken.get(shard)
        if known is not None and known.version == version:
            return
        self._taken[shard] = _Taken(version)
        self.silent = {key: zones for key, zones in self.silent.items() if key[0] != shard}
        index = self.table.index(shard)
        if index.orphans:
            await self.table.write(shard, [(key, None) for key in index.orphans], version)
            index.orphans.clear()

    def _panes(self, run: str, shard: int) -> TumblingPanes:
        """The run's panes as they were written: those of the last batch, or read anew.

        They are kept again only once all that the batch changes in them is written.
        """
        taken = self._taken[shard]
        panes, taken.panes = taken.panes, None
        return panes if panes and panes.run == run else self.table.panes(run, shard)

    def _of_one_run(self, events: Sequence[Any], shard: int) -> list[PropagatedFrame]:
        """The frames up to the first of another run: to begin one may be to forget another."""
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

    def _check_fits(self, run: str, shard: int, state: ShardState) -> None:
        if len(state.level) != (size := len(self.model.shards[shard])):
            told = f"run {run!r} has {len(state.level)} nodes in shard {shard}, not {size}"
            raise OtherTopology(f"the state of {told}")

    def _forget(self, shard: int, runs: Sequence[str]) -> None:
        """Let go of what is kept in memory of runs that were dropped."""
        for run in runs:
            self.dirty.discard((shard, run))
            self.silent.pop((shard, run), None)
            self._taken[shard].silence.pop(run, None)

    async def _refuse(
        self, events: Sequence[Any], frames: Sequence[PropagatedFrame], entry: ForgottenRun
    ) -> None:
        """Rows of a run that was dropped: known ones are repeats, new ones cannot be counted."""
        name = self.model.name
        for event, frame in zip(events, frames, strict=False):
            applied = entry.applied.get(frame.zone, -1)
            new = range(max(frame.seq, applied + 1), frame.last_seq + 1)
            if new:
                detail = f"run {frame.run!r} was forgotten: newer runs took its place"
                await self._send_letter(event, "forgotten", detail, new)
                self.tally.aside[name, "forgotten"] += len(new)
            else:
                self.tally.repeated[name] += 1

    def _count(self, asides: Sequence[tuple[Any, Aside]], missing: int) -> None:
        name, tally = self.model.name, self.tally
        for _, aside in asides:
            tally.aside[name, "late"] += len(aside.late)
            tally.aside[name, "ahead"] += len(aside.ahead)
        tally.missing[name] += missing

    async def _send(self, run: str, shard: int, state: ShardState, panes: TumblingPanes) -> bool:
        """Send up to `MAX_WINDOWS` windows that close, and their alerts; whether there are more."""
        name, outbox, steps, count = self.model.name, Outbox(), Counter[Step](), 0
        for closing in islice(self.model.close(run, shard, state, panes), MAX_WINDOWS):
            count += 1
            outbox.add(self.windows, str(shard), encode(closing.window), shard)
            for alert in closing.alerts:
                outbox.add(self.alerts, alert.node_id, encode(alert), shard)
                steps[alert.level, alert.state] += 1
            await outbox.ebb()
        await outbox.acknowledged()
        self.tally.closed[f"risk_{name}"] += count
        for (level, what), n in steps.items():
            self.tally.alarm_steps[name, level, what] += n
        return count == MAX_WINDOWS

    async def _set_aside(self, event: Any, reason: str, where: str, rows: list[int]) -> None:
        if rows:
            await self._send_letter(event, reason, f"{len(rows)} rows {where}", rows)

    async def _send_letter(self, event: Any, reason: str, detail: str, rows: Sequence[int]) -> None:
        if not is_wanted(event):
            raise ShardLost("a rebalance does not wait for many letters")
        listed = ",".join(map(str, rows))
        await self.letters.send(event, f"risk_{self.model.name}", reason, detail, rows=listed)

    def _begin(self, shard: int, event: Any) -> ShardState:
        return ShardState.new(len(self.model.shards[shard]), int(event.message.timestamp * 1000))

    def _deletable(self, state: ShardState) -> list[int]:
        """Panes that the state, as it was last written, does not ask for any more."""
        oldest_s = self.model.needed_from(state)
        if oldest_s is None or state.first_pane_s is None:
            return []
        floor_s = state.first_pane_s if state.floor_s is None else state.floor_s
        state.floor_s = max(floor_s, oldest_s)
        starts = panes_with_rows(state.spans, floor_s, self.model.spec)
        return list(takewhile(lambda start_s: start_s < oldest_s, starts))

    def _heard(self, frame: PropagatedFrame, *, told_time: bool) -> None:
        key = (frame.shard, frame.run)
        silences = self._taken[frame.shard].silence
        silence = silences.setdefault(frame.run, Silence(self.idle_timeout_s))
        zone = frame.zone if told_time else None
        silent = silence.heard(zone, self.model.grid.zones, time.monotonic())
        if silent != self.silent.get(key, frozenset()):
            zones = sorted(silent)
            about = {"model": self.model.name, "shard": frame.shard, "run": frame.run}
            told = "run %s shard %s: silent zones %s"
            log.warning(told, frame.run, frame.shard, zones, extra={**about, "zones": zones})
        self.silent[key] = silent
