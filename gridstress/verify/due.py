"""Which results of a run the workers must have published by now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from topology.messages import Floats

GRACE_S = 5.0
"""How much later a shard's next windows are sent if they show that the alerts of those before are
there, too: a worker sends some windows with their alerts and waits for the broker before it sends
more."""


@dataclass(frozen=True)
class Due:
    """What must be there; of the rest, what is there must be right.

    Attributes
    ----------
    windows_s
        Windows that end by then (epoch seconds); of a shard also those that end before one that
        is there.
    alerts_s
        By model: the ends of the windows by which each shard's alerts are due, shape (shards,);
        of a model that is left out all are.
    rows
        By zone: the last sequence number for which dead letters of skipped rows are due; of a zone
        that is left out all are.
    """

    windows_s: float = inf
    alerts_s: Mapping[str, Floats] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)


ALL = Due()
"""Everything, as of a run that the workers have worked off."""


@dataclass(frozen=True)
class Mark:
    """How much of a run had been read once: the final windows, rows by zone, offsets by partition.

    When the workers have finished what lay there then, all that follows from it is due.
    """

    windows_s: float = -inf
    rows: Mapping[str, int] = field(default_factory=dict)
    offsets: Mapping[int, int] = field(default_factory=dict)


@dataclass
class AlertsDue:
    """When the alerts of one shard's windows are due.

    Alerts that follow a window may come later than it, after a take-over by a minute. They are due
    once a window is there that was sent `GRACE_S` later, and alerts have been read since.
    """

    until_s: float = -inf
    _newest_s: float = -inf
    _before: tuple[float, float] = (-inf, -inf)
    _asked: tuple[float, float] = (inf, -inf)

    def see(self, end_s: float, sent_s: float, now_s: float) -> None:
        """Note a window that ends then: when it was sent, and when it was read."""
        if end_s <= self._newest_s:
            return
        before_s, last_s = self._before
        if sent_s >= before_s + GRACE_S:
            self._asked, self._before = (now_s, last_s), (sent_s, end_s)
        self._newest_s = end_s

    def read(self, at_s: float) -> None:
        """Note when the alerts were last read to their end."""
        asked_s, until_s = self._asked
        if at_s >= asked_s:
            self.until_s = max(self.until_s, until_s)
