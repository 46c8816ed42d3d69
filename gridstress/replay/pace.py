"""When the next rows of a replay are due: its speed, and what changes it while it runs."""

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass

from gridstress.replay.schedule import MAX_BATCH
from topology.clock import HOUR_S
from topology.errors import UsageError
from topology.messages import RiskAlert

AUTO = "auto"
MAX_SPEED = math.inf
STEADY = 3600.0
SMOOTH_ROWS_PER_S = 10.0
"""Up to this many rows a second each is a message of its own; beyond, rows share messages."""
HURRY_STEPS = 12
"""While a replay hurries, and results come, it is so many windows ahead of the newest final one, at
most: by so much it may pass an alarm before it knows of it."""
CALM_STEPS = 336
"""The same through rows that stress no node, which no alarm can come of."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Event seconds per second, > 0, or `MAX_SPEED`, which does not wait.

    ``hurries``: as long as no alarm of the run is open, rows go out as fast as results come.
    """

    rate: float = STEADY
    hurries: bool = False

    def __str__(self) -> str:
        """As `parse_speed` reads it."""
        if self.hurries:
            return AUTO
        return "max" if self.rate == MAX_SPEED else f"{self.rate:g}"


def parse_speed(text: str) -> Speed:
    """Read a speed: ``3600``, ``max``, or ``auto``, an hour a second that hurries through calm.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    word = text.strip().lower()
    if word == AUTO:
        return Speed(hurries=True)
    if word == "max":
        return Speed(MAX_SPEED)
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (rate > 0 and math.isfinite(rate)):
        raise UsageError(
            f"speed {text!r} is neither 'auto' nor 'max' nor a number above 0",
            hint="3600 replays an hour a second; auto does, and hurries through calm",
        )
    return Speed(rate)


def batch_for(rate: float, period_s: int) -> int:
    """Rows a message at a rate of event seconds per second, 1 to ``MAX_BATCH``."""
    rows_per_s = rate / period_s
    if rows_per_s >= SMOOTH_ROWS_PER_S * MAX_BATCH:
        return MAX_BATCH
    return max(1, math.ceil(rows_per_s / SMOOTH_ROWS_PER_S))


class Pace:
    """Says when what comes next of one run is due; to be used in one event loop.

    Parameters
    ----------
    step_s, lateness_s
        As of the settings: how far apart windows end, and how long after its end a window is final.
    """

    def __init__(self, speed: Speed, *, step_s: float = HOUR_S, lateness_s: float = 0.0) -> None:
        self.speed = speed
        self.paused = False
        self.stopped = False
        self.next_s: float | None = None
        """Event time of what comes next, epoch seconds."""
        self._apart_s, self._settled_s = step_s, step_s + lateness_s
        self._lead_s = HURRY_STEPS * step_s + self._settled_s
        self._burst_s = HURRY_STEPS * step_s / 2
        self._calm_lead_s = CALM_STEPS * step_s
        self.calm_s = 0.0
        """Rows of so many seconds from then on stress no node."""
        self._unknown_s = -math.inf
        """Up to when rows were sent of which an alarm may come."""
        self._alarms: set[tuple[str, str]] = set()
        self._known: set[str] = set()
        self.to_alarm = False
        """Whether it hurries to the next alarm."""
        self._final_s: float | None = None
        self._step_s = 0.0
        self._free_s = -math.inf
        self._anchor: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None
        self._reached_s: float | None = None
        self._changed = asyncio.Event()

    @property
    def hurries(self) -> bool:
        """Whether rows go out as fast as results come."""
        return self.to_alarm or (self.speed.hurries and not self.paused and not self._alarms)

    @property
    def is_full_speed(self) -> bool:
        """Whether nothing is waited for."""
        steady = not (self.paused or self.hurries)
        return self.stopped or (steady and self.speed.rate == MAX_SPEED)

    async def until_due(self, time_s: float) -> None:
        """Wait until rows of this event time (epoch seconds) are due, or the replay is stopped."""
        self.next_s = time_s
        while (left_s := self._left_s(time_s)) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s if math.isfinite(left_s) else None):
                    await self._changed.wait()
        if self.hurries or time_s < self._free_s:
            self._anchor = None

    def sent(self, time_s: float, last_s: float | None = None) -> None:
        """Take note that rows from this event time on, up to ``last_s``, are sent now."""
        self._last = (_now(), time_s)
        self._reached_s = time_s if last_s is None else last_s
        if self._reached_s >= time_s + self.calm_s:
            self._unknown_s = self._reached_s

    def rows(self, period_s: int) -> int:
        """How many rows share the message that is due now."""
        if self.next_s is not None and self.next_s < self._free_s:
            left = math.ceil((self._free_s - self.next_s) / period_s)
        elif self.hurries:
            # The broker's work is by the message.
            left = int(max(self._burst_s, self._harmless_s) // period_s)
        elif self.paused:
            left = HOUR_S // period_s
        else:
            left = batch_for(self.speed.rate, period_s)
        return max(1, min(left, MAX_BATCH))

    def pause(self) -> None:
        """Send nothing more until it is resumed."""
        self.paused = True
        self.to_alarm = False
        self._change()

    def resume(self) -> None:
        """Go on at the speed that it had."""
        self.paused = False
        self._step_s = 0.0
        self._change()

    def step(self) -> None:
        """Send an hour and pause."""
        self._step_s += HOUR_S
        self.pause()

    def set_speed(self, speed: Speed) -> None:
        """Go on at another speed from the row that comes next."""
        self.speed = speed
        self._change()

    def go_to_alarm(self) -> None:
        """Hurry until an alarm is raised; then be as before, paused or at the speed set."""
        self.to_alarm = True
        self._change()

    def stop(self) -> None:
        """Send nothing more of this run."""
        self.stopped = True
        self._change()

    def take_alert(self, alert: RiskAlert) -> None:
        """Take note of an alert of the run; one that was read before is known already."""
        if alert.alert_id in self._known:
            return
        self._known.add(alert.alert_id)
        key = (alert.model, alert.node_id)
        if alert.state == "CLEARED":
            self._alarms.discard(key)
        else:
            self._alarms.add(key)
        if alert.state == "RAISED":
            self.to_alarm = False
        self._change()

    def take_window(self, end_s: float) -> None:
        """Take note that a window of the run is final."""
        if self._final_s is None or end_s > self._final_s:
            self._final_s = end_s
            self._changed.set()

    def _change(self) -> None:
        self._anchor = None
        self._changed.set()

    @property
    def _harmless_s(self) -> float:
        """Of so many seconds no alarm can come: calm, once all is final that had stress."""
        known = self._final_s is not None and self._unknown_s + self._apart_s <= self._final_s
        return self.calm_s if known else 0.0

    def _left_s(self, time_s: float) -> float:
        """How long to wait for rows of this time, s; infinite while it is paused."""
        if self._step_s:
            self._free_s = max(self._free_s, time_s) + self._step_s
            self._step_s = 0.0
        if self.stopped or time_s < self._free_s:
            return 0.0
        if self.hurries:
            if self._final_s is None:
                self._final_s = time_s - self._settled_s
            harmless = self._harmless_s >= self._burst_s
            if harmless and time_s <= self._final_s + self._calm_lead_s:
                return 0.0
            # What was sent last counts: nothing can come of a gap in the data.
            reached_s = time_s if self._reached_s is None else self._reached_s
            if reached_s + self._burst_s <= self._final_s + self._lead_s:
                return 0.0
            return self._steady_s(time_s, min(self.speed.rate, STEADY))
        return math.inf if self.paused else self._steady_s(time_s, self.speed.rate)

    def _steady_s(self, time_s: float, rate: float) -> float:
        now_s = _now()
        if self._anchor is None:
            due_s = now_s
            if self._last is not None:
                sent_s, sent_time_s = self._last
                due_s = max(now_s, sent_s + (time_s - sent_time_s) / rate)
            self._anchor = (due_s, time_s)
        began_s, begin_s = self._anchor
        return max(0.0, began_s + (time_s - begin_s) / rate - now_s)


def _now() -> float:
    return asyncio.get_running_loop().time()
