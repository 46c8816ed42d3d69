"""Alarm episodes, assembled from the alerts of their steps."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_high, median_low

from msgspec import Struct

from topology.messages import Level, RiskAlert, SourceShare


class Episode(Struct, gc=False):
    """One episode as far as its alerts have come; event times in epoch seconds.

    ``cleared_s`` is None while it is open; ``peak_risk`` is that of its last alert, or the highest
    risk of its alerts where they have none; ``sources`` are those of the alert with the highest
    risk, which is ``source_risk``; ``received_at`` is the broker's time of the first alert.
    """

    episode_id: str
    model: str
    run: str
    node_id: str
    level: Level
    raised_s: float
    received_at: float
    cleared_s: float | None = None
    peak_risk: float = 0.0
    steps: int = 0
    source_risk: float = 0.0
    sources: Sequence[SourceShare] = ()

    def add(self, alert: RiskAlert) -> None:
        """Take the next step."""
        self.steps += 1
        self.level = alert.level
        self.peak_risk = max(self.peak_risk, alert.risk_score, alert.peak_risk or 0.0)
        if alert.risk_score > self.source_risk:
            self.source_risk, self.sources = alert.risk_score, alert.sources
        if alert.state == "CLEARED":
            self.cleared_s = alert.timestamp.timestamp()


@dataclass(frozen=True, slots=True)
class Pairing:
    """The episodes of two models held against each other.

    ``pairs`` are episodes at the same node that overlap in time, each in one pair at most;
    ``alone`` those of each model without a partner, newest first. All were raised after
    ``since_s``, event time, if that is not None.
    """

    pairs: list[tuple[Episode, Episode]]
    alone: tuple[list[Episode], list[Episode]]
    since_s: float | None = None

    @property
    def leads_s(self) -> list[float]:
        """By how much, in event seconds, the first model was raised before the second."""
        return [other.raised_s - one.raised_s for one, other in self.pairs]

    @property
    def median_lead_s(self) -> float | None:
        """The median lead, of two in the middle the one nearer to zero; None without pairs."""
        if not self.pairs:
            return None
        return min(median_low(self.leads_s), median_high(self.leads_s), key=abs)


def pair_up(
    one: Iterable[Episode], other: Iterable[Episode], since_s: float | None = None
) -> Pairing:
    """Pair the episodes of two models, the earliest first; only those raised after ``since_s``."""
    one, other = (
        [e for e in side if since_s is None or e.raised_s > since_s] for side in (one, other)
    )
    waiting: dict[str, list[Episode]] = {}
    for episode in sorted(other, key=lambda e: e.raised_s):
        waiting.setdefault(episode.node_id, []).append(episode)
    pairs, alone = [], []
    for episode in sorted(one, key=lambda e: e.raised_s):
        candidates = waiting.get(episode.node_id, [])
        found = next((i for i, c in enumerate(candidates) if _overlap(episode, c)), None)
        if found is None:
            alone.append(episode)
        else:
            pairs.append((episode, candidates.pop(found)))
    rest = sorted((e for es in waiting.values() for e in es), key=lambda e: e.raised_s)
    return Pairing(pairs, (alone[::-1], rest[::-1]), since_s)


def _overlap(one: Episode, other: Episode) -> bool:
    first, second = sorted((one, other), key=lambda e: e.raised_s)
    return first.cleared_s is None or second.raised_s < first.cleared_s


class EpisodeBook:
    """The episodes of all runs of one model, at most ``limit``.

    The oldest go first: of those that are cleared, and of the open ones only then.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: OrderedDict[str, Episode] = OrderedDict()
        self._cleared: OrderedDict[str, Episode] = OrderedDict()
        self._forgotten: OrderedDict[str, float] = OrderedDict()

    def add(self, alert: RiskAlert, received_at: float) -> None:
        """Take an alert that is not known yet."""
        key = alert.episode_id
        episode = self._open.get(key) or self._cleared.get(key)
        if episode is None:
            episode = self._open[key] = Episode(
                episode_id=alert.episode_id,
                model=alert.model,
                run=alert.run,
                node_id=alert.node_id,
                level=alert.level,
                raised_s=alert.timestamp.timestamp(),
                received_at=received_at,
            )
            if len(self._open) + len(self._cleared) > self._limit:
                self._forget_one()
        episode.add(alert)
        if episode.cleared_s is not None and key in self._open:
            self._cleared[key] = self._open.pop(key)

    def of(self, run: str) -> list[Episode]:
        """The episodes of a run, the one raised last first; at one time, by node."""
        kept = (*self._open.values(), *self._cleared.values())
        found = [episode for episode in kept if episode.run == run]
        return sorted(found, key=lambda e: (-e.raised_s, e.node_id))

    def forgotten_until(self, run: str) -> float | None:
        """Event time up to which episodes of a run were raised that are forgotten; None if none."""
        return self._forgotten.get(run)

    def _forget_one(self) -> None:
        _, episode = (self._cleared or self._open).popitem(last=False)
        before = self._forgotten.pop(episode.run, episode.raised_s)
        self._forgotten[episode.run] = max(before, episode.raised_s)
        if len(self._forgotten) > self._limit:
            self._forgotten.popitem(last=False)
