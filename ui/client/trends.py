"""Trends of the grid's figures over the last minutes, for small trend lines.

A value, never changed in place: every poll makes the next one, and a snapshot carries it along,
so that all viewers share one history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ui.schema.views import GridState, Kpis

SPAN_S = 600.0
BUCKET_S = 5.0
FIGURES = ("alarms", "affected", "average", "highest")
"""What is followed, in the order of a point's values."""

Point = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trends:
    """The followed figures by model: ``points`` are ``(bucket, *FIGURES)``, oldest first.

    A bucket is :data:`BUCKET_S` of wall-clock time and keeps its highest values, so that a short
    peak is seen; at most :data:`SPAN_S` are kept. Another run starts anew.
    """

    run: str | None = None
    points: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)

    def follow(self, now: float, run: str | None, states: Mapping[str, GridState]) -> "Trends":
        """The trends with what the models say at ``now`` (epoch seconds)."""
        if run is None:
            return replace(self, run=None, points={})
        known = self.points if run == self.run else {}
        bucket = now // BUCKET_S
        oldest = bucket - SPAN_S / BUCKET_S
        points = {}
        for model, state in states.items():
            recent = [p for p in known.get(model, ()) if oldest < p[0] <= bucket]
            same = [recent.pop()[1:]] if recent and recent[-1][0] == bucket else []
            highest = map(max, zip(figures(state.kpis), *same, strict=True))
            points[model] = (*recent, (bucket, *highest))
        return Trends(run, points)

    def series(self, model: str | None, figure: str) -> tuple[float, ...]:
        """The values of one of :data:`FIGURES`, oldest first; empty where nothing is known."""
        place = 1 + FIGURES.index(figure)
        return tuple(point[place] for point in self.points.get(model or "", ()))


def figures(kpis: Kpis) -> tuple[float, ...]:
    """The followed figures: counts of nodes, then risks in [0, 1)."""
    highest = kpis.highest_risk
    return (
        float(kpis.active_alarms.get("total", 0)),
        float(kpis.affected_nodes),
        round(kpis.average_risk, 4),
        round(highest.risk, 4) if highest else 0.0,
    )
