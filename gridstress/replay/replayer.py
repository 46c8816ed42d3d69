"""Send a schedule's frames at a chosen speed of event time."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from gridstress.replay.archived import Run
from gridstress.replay.schedule import MAX_BATCH, Step
from gridstress.replay.sinks import Sink
from topology.clock import to_iso
from topology.errors import UsageError

MAX_SPEED = math.inf
SMOOTH_ROWS_PER_S = 10.0
"""Up to this many rows a second each is a message of its own; beyond, rows share messages."""

YIELD_EVERY_S = 0.02
"""At full speed the event loop gets its turn this often, for the producer and for Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a replay sent; ``start`` and ``end`` in event time, ISO-8601 UTC, end exclusive.

    ``rows`` counts rows of zones (final frames not), ``stopped`` is whether it ended early. Of a
    run that was taken up again ``frames`` and ``rows`` count what was sent this time.
    """

    run: str
    frames: int
    rows: int
    zones: list[str]
    start: str
    end: str
    stopped: bool


def parse_speed(text: str) -> float:
    """Event seconds per second from ``3600`` or ``max``.

    Raises
    ------
    UsageError
        If it is neither ``max`` nor a number above 0.
    """
    if text.strip().lower() == "max":
        return MAX_SPEED
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (speed > 0 and math.isfinite(speed)):
        raise UsageError(
            f"--speed {text!r} is neither 'max' nor a number above 0",
            hint="--speed 3600 replays an hour a second",
        )
    return speed


def batch_for(speed: float, period_s: int) -> int:
    """Rows a message at a speed, 1 to ``MAX_BATCH``."""
    rows_per_s = speed / period_s
    if rows_per_s >= SMOOTH_ROWS_PER_S * MAX_BATCH:
        return MAX_BATCH
    return max(1, math.ceil(rows_per_s / SMOOTH_ROWS_PER_S))


async def replay(
    schedule: Run,
    sink: Sink,
    *,
    speed: float = 3600.0,
    stop: asyncio.Event | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Summary:
    """Send a run, each step when it is due, and wait until all of it is kept.

    Parameters
    ----------
    sink
        Already entered.
    speed
        Event seconds per second, > 0; ``MAX_SPEED`` does not wait.
    stop
        When set, the replay ends after the step it is at, without final frames for zones that
        have more data: the stream can be taken up again.
    on_step
        Called after each step, for progress.

    Raises
    ------
    BrokerError
        If the broker does not take the frames.
    """
    stop = stop or asyncio.Event()
    counted = _Count(schedule)
    began_s, turn_s = asyncio.get_running_loop().time(), time.monotonic()
    start_s: int | None = None
    for step in schedule.steps():
        # A run that is taken up again does not wait for what has been sent before.
        start_s = step.time_s if start_s is None else start_s
        if speed < MAX_SPEED:
            await _wait_until(began_s + (step.time_s - start_s) / speed, stop)
        elif time.monotonic() - turn_s > YIELD_EVERY_S:
            await asyncio.sleep(0)
            turn_s = time.monotonic()
        if stop.is_set():
            await sink.flush()
            return counted.summary(stopped=True)
        await sink.send(step.frames)
        if speed < MAX_SPEED:
            await sink.flush()
        counted.add(step)
        on_step(step)
    await sink.flush()
    return counted.summary(stopped=False)


class _Count:
    def __init__(self, schedule: Run) -> None:
        self._schedule = schedule
        self._frames = self._rows = 0
        position = min(max(schedule.sent.values(), default=-1) + 1, schedule.rows)
        self._end_s: float = schedule.start_s + position * schedule.period_s

    def add(self, step: Step) -> None:
        self._frames += len(step.frames)
        for frame in step.frames:
            if not frame.final:
                self._rows += len(frame.timestamps)
                last_s = frame.timestamps[-1].timestamp() + self._schedule.period_s
                self._end_s = max(self._end_s, last_s)

    def summary(self, *, stopped: bool) -> Summary:
        return Summary(
            run=self._schedule.run,
            frames=self._frames,
            rows=self._rows,
            zones=self._schedule.zones,
            start=to_iso(self._schedule.start_s),
            end=to_iso(self._end_s),
            stopped=stopped,
        )


async def _wait_until(deadline_s: float, stop: asyncio.Event) -> None:
    left_s = deadline_s - asyncio.get_running_loop().time()
    if left_s > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), left_s)
