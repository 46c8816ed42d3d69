"""The agents: each takes a record, calls its pure stage, sends, writes, and only then acks.

The order is what makes every frame count exactly once (``docs/design.md``): outputs are
acknowledged by the broker before the state is written, the state is handed over before the frame
is acked. A record that the broker does not take ends the worker without a commit
(``gridstress/delivery.py``), so no frame is acked on an error of the infrastructure.
"""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from faust.exceptions import ProducerSendError

from agents.dead_letters import DeadLetters
from agents.detection import Detection
from agents.outbox import Outbox, Topic
from agents.propagation import Propagation
from agents.risk import RiskModel
from agents.silence import Silence
from tables.risk_table import RiskTable
from tables.shard_state import ShardState
from topology.errors import MessageError
from topology.messages import MeasurementFrame, PropagatedFrame, StressFrame, decode, encode

log = logging.getLogger(__name__)

Handler = Callable[[Any], Awaitable[None]]


class NotWritten(Exception):
    """The state could not be written: not the record's fault, and others must not overtake it."""


class OtherTopology(Exception):
    """The state is of another topology: every frame would be refused for a fault of ours."""


async def run_stage(
    stream: Any,
    name: str,
    handle: Handler,
    letters: DeadLetters,
    halt: Callable[[str], NoReturn],
    finished: dict[tuple[str, str, int], int],
) -> None:
    """Handle a stream's events one after the other; what cannot be handled is a dead letter.

    ``halt`` ends the worker without a commit, so that everything unfinished comes again;
    ``finished`` is kept up to date: the offset behind the last record by (name, topic, partition).
    """
    async for event in stream.noack().events():
        await _handle(event, name, handle, letters, halt)
        event.ack()
        finished[name, event.message.topic, event.message.partition] = event.message.offset + 1


async def _handle(
    event: Any, name: str, handle: Handler, letters: DeadLetters, halt: Callable[[str], NoReturn]
) -> None:
    try:
        await handle(event)
    except MessageError as error:
        await letters.send(event, name, error.reason, str(error))
    except ProducerSendError as error:  # any other failure to send ends the worker
        await letters.send(event, name, "too-large", str(error.__cause__ or error))
    except NotWritten as error:
        log.exception("%s cannot write its state", name)
        halt(f"{name}: {error}")
    except OtherTopology as error:
        halt(f"{name}: {error}; give a changed topology a group of its own (GRIDSTRESS_GROUP)")
    except Exception as error:
        log.exception("%s failed", name)
        await letters.send(event, name, "failed", f"{type(error).__name__}: {error}")


@dataclass
class DetectionStage:
    """``grid_measurements`` to ``stress_events``."""

    detect: Detection
    stress_events: Topic
    frames: Counter[str]

    async def __call__(self, event: Any) -> None:
        """Detect one frame's stress and send it to the same partition."""
        partition = event.message.partition
        outbox = Outbox()
        for frame in self.detect(decode(event.value, MeasurementFrame)):
            await outbox.send(self.stress_events, frame.zone, encode(frame), partition=partition)
        await outbox.acknowledged()
        self.frames["detection"] += 1


@dataclass
class PropagationStage:
    """``stress_events`` to the propagated stress of one model, one frame a shard."""

    model: str
    propagate: Propagation
    propagated: Topic
    frames: Counter[str]

    async def __call__(self, event: Any) -> None:
        """Spread one frame's stress."""
        outbox = Outbox()
        for frame in self.propagate(decode(event.value, StressFrame)):
            await outbox.send(
                self.propagated, str(frame.shard), encode(frame), partition=frame.shard
            )
        await outbox.acknowledged()
        self.frames[f"propagation_{self.model}"] += 1


@dataclass
class RiskStage:
    """Propagated stress of one model to its table, its final windows and its alerts."""

    model: RiskModel
    table: RiskTable
    windows: Topic
    alerts: Topic
    letters: DeadLetters
    frames: Counter[str]
    idle_timeout_s: float
    max_runs: int = 8
    dirty: set[tuple[int, str]] = field(default_factory=set)
    """Shards and runs whose state has changed since somebody last cleared this."""
    forgotten: set[tuple[int, str]] = field(default_factory=set)
    """Shards and runs that were dropped since somebody last cleared this."""
    silent: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)
    _silence: dict[tuple[int, str], Silence] = field(default_factory=dict)

    async def __call__(self, event: Any) -> None:
        """Fold one frame, close what the watermark has passed, send, then write."""
        shard, started_ms = event.message.partition, int(event.message.timestamp * 1000)
        frame = decode(event.value, PropagatedFrame)
        if frame.shard != shard:
            raise MessageError("unknown-shard", f"shard {frame.shard} in partition {shard}")
        run = frame.run
        state = self.table.state(run, shard) or self._open(run, shard, started_ms)
        if len(state.level) != (size := len(self.model.shards[shard])):
            told = f"run {run!r} has {len(state.level)} nodes in shard {shard}, not {size}"
            raise OtherTopology(f"the state of {told}")
        if frame.last_seq <= state.applied.get(frame.zone, -1):
            self.frames["duplicates"] += 1
            return
        deletable = self._deletable(state)
        panes = self.table.panes(run, shard)
        aside = self.model.fold(frame, state, panes)
        # A zone whose clock is wrong for good must not hold the others back for ever.
        silent = self._heard(frame, told_time=len(aside.ahead) < len(frame.timestamps))
        outbox = Outbox()
        for closing in self.model.close(run, shard, state, panes, silent):
            await outbox.send(self.windows, str(shard), encode(closing.window), partition=shard)
            for alert in closing.alerts:
                await outbox.send(self.alerts, alert.node_id, encode(alert))
        await outbox.acknowledged()
        await self._set_aside(event, "late", "behind", aside.late)
        await self._set_aside(event, "ahead", "ahead", aside.ahead)
        try:
            panes.delete(deletable)
            panes.save()
            self.table.put_state(run, shard, state)
        except Exception as error:
            raise NotWritten(f"{type(error).__name__}: {error}") from error
        self.dirty.add((shard, run))
        self.frames[f"risk_{self.model.name}"] += 1

    async def _set_aside(self, event: Any, reason: str, where: str, rows: list[int]) -> None:
        if rows:
            detail, listed = f"{len(rows)} rows {where}", ",".join(map(str, rows))
            await self.letters.send(event, f"risk_{self.model.name}", reason, detail, rows=listed)

    def _open(self, run: str, shard: int, started_ms: int) -> ShardState:
        """A new run's state; the shard forgets the runs that started longest ago."""
        known = self.table.runs(shard)
        newest_first = sorted(known, key=lambda r: (known[r].started_ms, r), reverse=True)
        for old in newest_first[self.max_runs - 1 :]:
            log.info("shard %s forgets run %s", shard, old)
            self.table.forget(old, shard)
            self.dirty.discard((shard, old))
            self.silent.pop((shard, old), None)
            self._silence.pop((shard, old), None)
            self.forgotten.add((shard, old))
        return ShardState.new(len(self.model.shards[shard]), started_ms)

    def _deletable(self, state: ShardState) -> range:
        """Panes that the state, as it was last written, does not ask for any more."""
        if state.closed_until_s is None or state.first_pane_s is None:
            return range(0)
        oldest_s = self.model.spec.oldest_needed(state.closed_until_s)
        floor_s = state.first_pane_s if state.floor_s is None else state.floor_s
        state.floor_s = max(floor_s, oldest_s)
        return range(floor_s, oldest_s, self.model.spec.step_s)

    def _heard(self, frame: PropagatedFrame, *, told_time: bool) -> frozenset[str]:
        key = (frame.shard, frame.run)
        silence = self._silence.setdefault(key, Silence(self.idle_timeout_s))
        zone = frame.zone if told_time else None
        silent = silence.heard(zone, self.model.grid.zones, time.monotonic())
        if silent != self.silent.get(key, frozenset()):
            log.warning("run %s shard %s: silent zones %s", frame.run, frame.shard, sorted(silent))
        self.silent[key] = silent
        return silent
