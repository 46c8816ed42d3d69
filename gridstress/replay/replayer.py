"""Send a schedule's frames at a chosen speed of event time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from gridstress.replay.archived import Run
from gridstress.replay.pace import Pace, Speed
from gridstress.replay.schedule import Step
from gridstress.run_records.frame_sinks import Sink
from topology.clock import to_iso

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


async def replay(
    run: Run,
    sink: Sink,
    pace: Pace | None = None,
    *,
    threshold: float = 0.0,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Summary:
    """Send a run, each step when it is due, and wait until all of it is kept.

    Parameters
    ----------
    sink
        Already entered.
    pace
        When rows are due, an hour a second by default. Once it is stopped the replay ends after the
        step it is at, without final frames for zones that have more data: the stream can be taken
        up again.
    threshold
        Load as a part of the rating above which a node is stressed.
    on_step
        Called after each step, for progress.

    Raises
    ------
    BrokerError
        If the broker does not take the frames.
    """
    pace = pace or Pace(Speed())
    counted = _Count(run)
    turn_s = time.monotonic()
    unsent = run.begin()
    while (time_s := unsent.time_s) is not None:
        pace.next_s = time_s
        pace.calm_s = unsent.calm_rows(threshold) * run.period_s if pace.hurries else 0.0
        if not pace.is_full_speed:
            await pace.until_due(time_s)
        elif time.monotonic() - turn_s > YIELD_EVERY_S:
            await asyncio.sleep(0)
            turn_s = time.monotonic()
        if pace.stopped:
            break
        step = unsent.take(pace.rows(run.period_s))
        if step.frames:  # else it is in a gap
            pace.sent(time_s, run.start_s + (step.end - 1) * run.period_s)
        await sink.send(step.frames)
        if not pace.is_full_speed:
            await sink.flush()
        counted.add(step)
        on_step(step)
    await sink.flush()
    return counted.summary(stopped=unsent.time_s is not None)


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
