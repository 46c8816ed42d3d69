"""Which zones have fallen silent: the one place where the wall clock has a say in event time."""

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class Silence:
    """How long each zone of one run and shard has not spoken while others did.

    A pause of the whole stream is nobody's silence: the time between two arrivals counts for at
    most a tenth of the time-out, so that only zones that miss many arrivals of others are given
    up. Kept in memory; a restarted worker starts to count afresh.
    """

    timeout_s: float
    _last_arrival_s: float | None = None
    _silent_s: dict[str, float] = field(default_factory=dict)

    def heard(self, zone: str | None, zones: Collection[str], now_s: float) -> frozenset[str]:
        """Note an arrival from a zone at a monotonic time; the zones that are silent now.

        ``zone`` is None for an arrival that says nothing of where its zone's time is.
        """
        if not self.timeout_s:
            return frozenset()
        gap_s = 0.0 if self._last_arrival_s is None else now_s - self._last_arrival_s
        self._last_arrival_s = now_s
        for other in zones:
            waited_s = self._silent_s.get(other, 0.0) + min(gap_s, self.timeout_s / 10)
            self._silent_s[other] = 0.0 if other == zone else waited_s
        return frozenset(z for z, waited_s in self._silent_s.items() if waited_s > self.timeout_s)
