"""The broker's clock, as its records show it: ages of other workers are measured by it alone."""

import time
from collections.abc import Callable
from typing import Any

LOG_APPEND_TIME = 1
HOLDS_S = 60.0
"""How long the furthest reading is kept. The records of a busy topic arrive late by different
amounts, so the furthest is the best; a broker whose clock is set back must be followed, too."""


def appended_at(record: Any, now_s: float) -> float:
    """When a record was appended to its log, epoch seconds.

    Parameters
    ----------
    record
        A record of a Kafka client.
    now_s
        This worker's clock, epoch seconds. A topic that keeps its senders' times (the embedded
        broker's do) says when a record was sent; it cannot have been sent after it was read.
    """
    at_s = float(record.timestamp / 1000)
    return at_s if record.timestamp_type == LOG_APPEND_TIME else min(at_s, now_s)


class BrokerClock:
    """Follows the times of records, and goes on between them by this process's own ticking.

    Parameters
    ----------
    ticks
        Seconds since any fixed moment; never set back.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._ahead_s = time.time() - ticks()
        self._read_at = float("-inf")

    def saw(self, at_s: float) -> None:
        """Note a record that was appended at this time, epoch seconds."""
        ticks = self._ticks()
        if at_s - ticks >= self._ahead_s or ticks - self._read_at > HOLDS_S:
            self._ahead_s, self._read_at = at_s - ticks, ticks

    def now(self) -> float:
        """The broker's time, epoch seconds; this machine's before the first record."""
        return self._ticks() + self._ahead_s
