"""Show how far a replay is: a bar where there is a terminal, log lines where there is none."""

import sys
import time
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from gridstress.replay.schedule import Schedule, Step
from topology.clock import to_iso

LINE_EVERY_S = 5.0


class Progress(Protocol):
    """Shows the steps of a replay while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None: ...

    def show(self, step: Step) -> None:
        """Show that a step has been sent."""


def progress_for(schedule: Schedule, stream: TextIO | None = None) -> Progress:
    """Choose a bar for a terminal, otherwise lines; both on ``stream``, by default stderr."""
    stream = stream or sys.stderr
    return Bar(schedule, stream) if stream.isatty() else Lines(schedule, stream)


class Bar:
    """A progress bar with event time, rate and time left."""

    def __init__(self, schedule: Schedule, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._hours_a_row = schedule.series.period_s / 3600
        self._batch = schedule.batch
        self._rows = schedule.rows
        self._first = schedule.first
        self._bar = RichProgress(
            TextColumn("{task.fields[at]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(file=stream),
        )
        begin = to_iso(schedule.series.start.timestamp())
        self._task = self._bar.add_task("", total=schedule.rows, at=begin, rate="")
        self._began_s = time.monotonic()

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self._bar.stop()

    def show(self, step: Step) -> None:
        """Move the bar."""
        done = min(step.position + self._batch, self._rows)
        hours = (done - self._first) * self._hours_a_row
        rate = hours / max(time.monotonic() - self._began_s, 1e-6)
        self._bar.update(
            self._task, completed=done, at=to_iso(step.time_s), rate=f"{rate:,.1f} h/s"
        )


class Lines:
    """A line now and then."""

    def __init__(self, schedule: Schedule, stream: TextIO) -> None:
        self._schedule = schedule
        self._stream = stream
        self._first = schedule.first
        self._began_s = self._said_s = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Nothing to clear up."""

    def show(self, step: Step) -> None:
        """Write a line if the last is ``LINE_EVERY_S`` ago."""
        now_s = time.monotonic()
        if now_s - self._said_s < LINE_EVERY_S:
            return
        self._said_s = now_s
        rows = self._schedule.rows
        done = min(step.position + self._schedule.batch, rows)
        rate = max(done - self._first, 1) / (now_s - self._began_s)
        hours = rate * self._schedule.series.period_s / 3600
        line = (
            f"{to_iso(step.time_s)}  {100 * done // rows} %  {hours:,.1f} h/s  "
            f"{(rows - done) / rate:,.0f} s left"
        )
        self._stream.write(line + "\n")
        self._stream.flush()
