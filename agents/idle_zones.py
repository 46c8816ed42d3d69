"""Idle zones: the only place where the wall clock affects event time."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

NONE: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Waits:
    """How long each zone of a run has sent nothing while others did, s."""

    last_arrival_s: float | None = None
    waited_s: dict[str, float] = field(default_factory=dict)
    idle: frozenset[str] = NONE


@dataclass
class IdleZones:
    """Which zones of each shard and run are idle: the watermark does not wait for them.

    If the whole stream pauses, no zone is idle: the time between two arrivals counts for at most a
    tenth of the time-out, so that only a zone that misses many arrivals of others is given up.
    Kept in memory: a worker that has started or taken a shard over counts anew.

    Attributes
    ----------
    model
        Name of the model, for the log.
    zones
        The grid's zones.
    timeout_s
        How long a zone may send nothing; 0 for ever.
    """

    model: str
    zones: Collection[str]
    timeout_s: float
    _waits: dict[tuple[int, str], _Waits] = field(default_factory=dict)

    def of(self, shard: int, run: str) -> frozenset[str]:
        """The zones that are idle now."""
        waits = self._waits.get((shard, run))
        return waits.idle if waits else NONE

    def note_arrival(self, shard: int, run: str, zone: str | None, now_s: float) -> None:
        """Note a frame of a zone at a monotonic time.

        ``zone`` is None for a frame that does not advance its zone's time.
        """
        if not self.timeout_s:
            return
        waits = self._waits.setdefault((shard, run), _Waits())
        gap_s = 0.0 if waits.last_arrival_s is None else now_s - waits.last_arrival_s
        waits.last_arrival_s = now_s
        for other in self.zones:
            waited_s = waits.waited_s.get(other, 0.0) + min(gap_s, self.timeout_s / 10)
            waits.waited_s[other] = 0.0 if other == zone else waited_s
        idle = frozenset(z for z, waited_s in waits.waited_s.items() if waited_s > self.timeout_s)
        if idle != waits.idle:
            waits.idle = idle
            about = {"model": self.model, "shard": shard, "run": run, "zones": sorted(idle)}
            log.warning("run %s shard %s: idle zones %s", run, shard, sorted(idle), extra=about)

    def forget(self, shard: int, run: str) -> None:
        """Forget a run."""
        self._waits.pop((shard, run), None)

    def restart(self, shard: int) -> None:
        """Count anew in a shard: while another worker had it, its zones may have sent."""
        self._waits = {key: waits for key, waits in self._waits.items() if key[0] != shard}
