"""Show how far a replay is: a bar where there is a terminal, log lines where there is none."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

from gridstress.replay.archived import Run
from gridstress.replay.schedule import Step
from topology.clock import to_iso

LINE_EVERY_S = 5.0

Show = Callable[[Step], None]
"""Shows that a step has been sent."""


def progress_for(schedule: Run, stream: TextIO | None = None) -> AbstractContextManager[Show]:
    """Choose a bar for a terminal, otherwise lines; both on ``stream``, by default stderr."""
    stream = stream or sys.stderr
    return bar(schedule, stream) if stream.isatty() else lines(schedule, stream)


@contextmanager
def bar(schedule: Run, stream: TextIO) -> Iterator[Show]:
    """A progress bar with event time, rate and time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    at, rate, left = map(TextColumn, ("{task.fields[at]}", "{task.fields[rate]}", "left"))
    columns = (at, BarColumn(), TaskProgressColumn(), rate, TimeRemainingColumn(), left)
    hours_a_row, first = schedule.period_s / 3600, schedule.first
    began_s, begin = time.monotonic(), to_iso(schedule.start_s)
    with Progress(*columns, console=Console(file=stream)) as drawn:
        task = drawn.add_task("", total=schedule.rows, at=begin, rate="")

        def show(step: Step) -> None:
            done = step.end
            speed = (done - first) * hours_a_row / max(time.monotonic() - began_s, 1e-6)
            moment = to_iso(step.time_s)
            drawn.update(task, completed=done, at=moment, rate=f"{speed:,.1f} h/s")

        yield show


@contextmanager
def lines(schedule: Run, stream: TextIO) -> Iterator[Show]:
    """A line now and then: if the last is ``LINE_EVERY_S`` ago."""
    rows, first = schedule.rows, schedule.first
    began_s = said_s = time.monotonic()

    def show(step: Step) -> None:
        nonlocal said_s
        now_s = time.monotonic()
        if now_s - said_s < LINE_EVERY_S:
            return
        said_s = now_s
        done = step.end
        rate = max(done - first, 1) / (now_s - began_s)
        hours = rate * schedule.period_s / 3600
        at, left_s = to_iso(step.time_s), (rows - done) / rate
        stream.write(f"{at}  {100 * done // rows} %  {hours:,.1f} h/s  {left_s:,.0f} s left\n")
        stream.flush()

    yield show
