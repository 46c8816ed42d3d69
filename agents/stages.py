"""The stages as agents run them: decode, call the pure part, send, and only then write.

Each takes records in order (risk: those of one partition) and returns how many of them it has
finished, from the first on. ``agents/running.py`` hands them over and acks them.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.dead_letters import DeadLetters
from agents.detection import Detection
from agents.outbox import Outbox, Topic
from agents.propagation import Propagation
from agents.risk import Aside, RiskModel
from agents.running import OtherTopology
from agents.silence import Silence
from agents.tally import Tally
from tables.risk_table import Change, RiskTable, TumblingPanes
from tables.shard_state import ShardState
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

MAX_GOING_ON = 64
"""Runs that have not ended which a shard keeps."""


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
class RiskStage:
    """Propagated stress of one model to its table, its final windows and its alerts."""

    model: RiskModel
    table: RiskTable
    windows: Topic
    alerts: Topic
    letters: DeadLetters
    tally: Tally
    idle_timeout_s: float
    max_runs: int = 8
    dirty: set[tuple[int, str]] = field(default_factory=set)
    """Shards and runs whose state has changed since somebody last cleared this."""
    forgotten: set[tuple[int, str]] = field(default_factory=set)
    """Shards and runs that were dropped since somebody last cleared this."""
    silent: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)
    _silence: dict[tuple[int, str], Silence] = field(default_factory=dict)

    async def __call__(self, events: Sequence[Any]) -> int:
        """Fold a run's frames, close what the watermark has passed, send, then write."""
        shard = events[0].message.partition
        frames = self._of_one_run(events, shard)
        run = frames[0].run
        changes: list[Change] = []
        state = self.table.state(run, shard) or self._begin(run, events[0], changes)
        if len(state.level) != (size := len(self.model.shards[shard])):
            told = f"run {run!r} has {len(state.level)} nodes in shard {shard}, not {size}"
            raise OtherTopology(f"the state of {told}")
        gaps = state.gaps
        panes = self.table.panes(run, shard)
        changes += panes.deletions(self._deletable(state))
        asides: list[tuple[Any, Aside]] = []
        for event, frame in zip(events, frames, strict=False):
            if frame.last_seq > state.applied.get(frame.zone, -1):
                aside = self.model.fold(frame, state, panes)
                # A zone whose clock is wrong for good must not hold the others back for ever.
                self._heard(frame, told_time=len(aside.ahead) < len(frame.timestamps))
                asides.append((event, aside))
        if asides:
            steps = await self._send(run, shard, state, panes)
            for event, aside in asides:
                await self._set_aside(event, "late", "behind", aside.late)
                await self._set_aside(event, "ahead", "ahead", aside.ahead)
            changes += panes.changes(self.model.needed_from(state))
            changes.append(self.table.state_change(run, shard, state))
            await self.table.write(shard, changes)
            self.dirty.add((shard, run))
            self._count(asides, steps, state.gaps - gaps)
        self.tally.repeated[self.model.name] += len(frames) - len(asides)
        self.tally.frames[f"risk_{self.model.name}"] += len(asides)
        return len(frames)

    def _of_one_run(self, events: Sequence[Any], shard: int) -> list[PropagatedFrame]:
        """The frames up to the first of another run: to begin one may be to forget another."""
        frames: list[PropagatedFrame] = []
        for event in events:
            frame = decode(event.value, PropagatedFrame)
            if frame.shard != shard:
                raise MessageError("unknown-shard", f"shard {frame.shard} in partition {shard}")
            if frames and frame.run != frames[0].run:
                break
            frames.append(frame)
        return frames

    def _count(self, asides: list[tuple[Any, Aside]], steps: Counter[Step], missing: int) -> None:
        name, tally = self.model.name, self.tally
        for (level, what), n in steps.items():
            tally.alarm_steps[name, level, what] += n
        for _, aside in asides:
            tally.aside[name, "late"] += len(aside.late)
            tally.aside[name, "ahead"] += len(aside.ahead)
        tally.missing[name] += missing

    async def _send(
        self, run: str, shard: int, state: ShardState, panes: TumblingPanes
    ) -> Counter[Step]:
        outbox, steps = Outbox(), Counter[Step]()
        silent = self.silent[shard, run]
        for closing in self.model.close(run, shard, state, panes, silent):
            outbox.add(self.windows, str(shard), encode(closing.window), shard)
            for alert in closing.alerts:
                outbox.add(self.alerts, alert.node_id, encode(alert), shard)
                steps[alert.level, alert.state] += 1
            await outbox.ebb()
        await outbox.acknowledged()
        return steps

    async def _set_aside(self, event: Any, reason: str, where: str, rows: list[int]) -> None:
        if rows:
            detail, listed = f"{len(rows)} rows {where}", ",".join(map(str, rows))
            await self.letters.send(event, f"risk_{self.model.name}", reason, detail, rows=listed)

    def _begin(self, run: str, event: Any, changes: list[Change]) -> ShardState:
        """A new run's state; the shard forgets the runs that started longest ago."""
        shard = event.message.partition
        for old in self._too_many(shard):
            about = {"model": self.model.name, "shard": shard, "run": old}
            log.info("shard %s forgets run %s", shard, old, extra=about)
            changes += self.table.forget(old, shard)
            self.dirty.discard((shard, old))
            self.silent.pop((shard, old), None)
            self._silence.pop((shard, old), None)
            self.forgotten.add((shard, old))
        return ShardState.new(len(self.model.shards[shard]), int(event.message.timestamp * 1000))

    def _too_many(self, shard: int) -> list[str]:
        """Runs to make room for one more: ended ones, for behind a backlog many are under way.

        One whose replay was given up never ends; that is what the second limit is for.
        """
        zones, known = self.model.grid.zones, self.table.runs(shard)
        newest_first = sorted(known, key=lambda r: (known[r].started_ms, r), reverse=True)
        ended = [run for run in newest_first if known[run].is_ended(zones)]
        going_on = [run for run in newest_first if not known[run].is_ended(zones)]
        if given_up := going_on[MAX_GOING_ON - 1 :]:
            told = "shard %s forgets %s, which has not ended"
            about = {"model": self.model.name, "shard": shard}
            log.warning(told, shard, ", ".join(given_up), extra=about)
        return ended[self.max_runs - 1 :] + given_up

    def _deletable(self, state: ShardState) -> range:
        """Panes that the state, as it was last written, does not ask for any more."""
        oldest_s = self.model.needed_from(state)
        if oldest_s is None or state.first_pane_s is None:
            return range(0)
        floor_s = state.first_pane_s if state.floor_s is None else state.floor_s
        state.floor_s = max(floor_s, oldest_s)
        return range(floor_s, oldest_s, self.model.spec.step_s)

    def _heard(self, frame: PropagatedFrame, *, told_time: bool) -> None:
        key = (frame.shard, frame.run)
        silence = self._silence.setdefault(key, Silence(self.idle_timeout_s))
        zone = frame.zone if told_time else None
        silent = silence.heard(zone, self.model.grid.zones, time.monotonic())
        if silent != self.silent.get(key, frozenset()):
            zones = sorted(silent)
            about = {"model": self.model.name, "shard": frame.shard, "run": frame.run}
            told = "run %s shard %s: silent zones %s"
            log.warning(told, frame.run, frame.shard, zones, extra={**about, "zones": zones})
        self.silent[key] = silent
