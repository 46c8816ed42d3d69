"""How two archived runs agree, window by window."""

import heapq
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock

from msgspec import structs

from gridstress.archive.reading import ArchivedRun
from topology.codec import encode
from topology.messages import RiskWindow, WindowHead
from ui.api.agreement_history import History, Point

READING_S = 0.5
"""How long one question may read; the next one goes on."""
AT_ONCE = 20
"""Windows that are read before they are compared."""


def all_taken(windows: Iterator[RiskWindow], agreement: History, run: str, until_s: float) -> bool:
    """Take windows of a run until a time, by the monotonic clock; whether there are no more."""
    for number, window in enumerate(windows, 1):
        head = WindowHead(**{name: getattr(window, name) for name in WindowHead.__struct_fields__})
        agreement.add(head, encode(window))
        if number % AT_ONCE == 0:
            agreement.points(run)
            if time.monotonic() > until_s:
                return False
    return True


@dataclass
class PairedWindows:
    """The windows that two runs have at the same time; may be asked by many threads.

    The points' names are the runs'. Every question reads and compares some more, also of what has
    been written since.

    Parameters
    ----------
    runs, models
        Two runs, and the model of each.
    index
        Position of each node in the grid.
    warning
        Risk from which on a node counts as alarmed.
    shift_s
        What is added to the second run's times.
    """

    runs: tuple[ArchivedRun, ArchivedRun]
    models: tuple[str, str]
    index: Mapping[str, int]
    warning: float
    shift_s: int
    _agreement: History = field(init=False)
    _unread: Iterator[RiskWindow] | None = None
    _read: Sequence[int] = ()
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self._agreement = History(self.index, [run.name for run in self.runs], 1, self.warning)

    @property
    def _key(self) -> str:
        return self.runs[0].name

    def points(self) -> tuple[list[Point], int]:
        """The points so far, oldest first, at the first run's times; and how many are to come.

        While not all windows are read, one more is to come than are known.
        """
        with self._lock:
            until_s = time.monotonic() + READING_S
            written = [run.written_ns() for run in self.runs]
            if written != self._read:
                reading = self._unread or self._windows()
                self._unread = None  # what fails is begun anew
                if all_taken(reading, self._agreement, self._key, until_s):
                    self._read = written
                else:
                    self._unread = reading
            points = self._agreement.points(self._key)
            return points, self._agreement.to_compare(self._key) + (written != self._read)

    def _windows(self) -> Iterator[RiskWindow]:
        """Both runs' windows behind the last one that was paired, at the first run's times."""
        known = self._agreement.points(self._key)
        after = datetime.fromtimestamp(known[-1].end_s, UTC) if known else None
        lasts = [
            run.window_at(model, None)[0] for run, model in zip(self.runs, self.models, strict=True)
        ]
        if None in lasts:
            return iter(())
        ends = [w.window_end + self._shift(side) for side, w in enumerate(lasts) if w is not None]
        both = (self._of(side, after, min(ends)) for side in range(2))
        return heapq.merge(*both, key=lambda window: window.window_end)

    def _of(self, side: int, after: datetime | None, until: datetime) -> Iterator[RiskWindow]:
        run, shift = self.runs[side], self._shift(side)
        windows = run.windows_until(
            [self.models[side]], until - shift, after=after and after - shift, at_once=AT_ONCE
        )
        for window in windows:
            yield structs.replace(
                window,
                model=run.name,
                run=self._key,
                window_start=window.window_start + shift,
                window_end=window.window_end + shift,
            )

    def _shift(self, side: int) -> timedelta:
        return timedelta(seconds=side * self.shift_s)
