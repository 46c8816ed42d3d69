"""The alert timeline, one lane a level: ten minutes of wall-clock time or a day of grid time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go

from topology.messages import LEVELS
from ui.dashboard.figures.plain import plain_axis, plain_layout
from ui.dashboard.style import formatting
from ui.dashboard.style.theme import LIGHT, Palette
from ui.schema.views import Alert

SLIDE_S = 5
SYMBOLS = {"RAISED": "triangle-up", "ESCALATED": "diamond", "CLEARED": "circle-open"}
MARKS = {"RAISED": "▲", "ESCALATED": "◆", "CLEARED": "○"}
VERBS = {"RAISED": "raised", "ESCALATED": "escalated", "CLEARED": "cleared"}


@dataclass(frozen=True, slots=True)
class Span:
    """How far back the timeline goes, on which clock.

    ``bucket_s``: alerts closer together than this are spread over their lane's height.
    """

    label: str
    seconds: int
    bucket_s: int
    ticks: int
    grid_time: bool = False

    def place(self, alert: Alert) -> float:
        """Where an alert belongs, in epoch seconds of the span's clock."""
        if not self.grid_time:
            return alert.received_at
        moment = formatting.parse(alert.timestamp)
        return moment.timestamp() if moment else 0.0

    def covers(self, alert: Alert, now: float) -> bool:
        """Whether an alert is not too old at ``now`` (epoch seconds of the span's clock)."""
        return now - self.place(alert) <= self.seconds


LAST_MINUTES = Span("last 10 minutes", 600, 15, 5)
GRID_DAY = Span("last 24 h of grid time", 86_400, 2400, 4, grid_time=True)
SPANS = {"minutes": LAST_MINUTES, "day": GRID_DAY}


def timeline_figure(
    alerts: Sequence[Alert],
    names: Mapping[str, str],
    now: float,
    span: Span = LAST_MINUTES,
    colours: Palette = LIGHT,
) -> go.Figure:
    """The figure; ``now`` in epoch seconds of the span's clock, ``names`` the nodes' by id."""
    points = timeline_points(alerts, names, now, span, colours)
    trace = go.Scatter(
        x=points["x"],
        y=points["y"],
        customdata=points["node"],
        hovertext=points["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers",
        marker={
            "size": 8,
            "symbol": points["symbol"],
            "color": points["colour"],
            "opacity": 0.85,
        },
    )
    return go.Figure(
        data=[trace],
        layout=plain_layout(
            "timeline",
            xaxis=plain_axis(**time_axis(now, span)),
            yaxis=plain_axis(
                range=[-0.55, len(LEVELS) - 0.45],
                tickvals=list(range(len(LEVELS))),
                ticktext=list(LEVELS),
                ticklabelstandoff=8,
            ),
            margin={"l": 80, "r": 34, "t": 6, "b": 26},
        ),
    )


def time_axis(now: float, span: Span = LAST_MINUTES) -> dict[str, Any]:
    """Range, tick places and their texts, moved on in steps of a few seconds."""
    end = now if span.grid_time else (now // SLIDE_S + 1) * SLIDE_S
    start, margin = end - span.seconds, span.seconds / 100
    places = [start + span.seconds * tick / span.ticks for tick in range(span.ticks + 1)]
    if span.grid_time:
        texts = [datetime.fromtimestamp(place, UTC).strftime("%d %b %H:%M") for place in places]
    else:
        texts = ["10 min ago", "8", "6", "4", "2", "now"]
    return {"range": [start - margin, end + margin], "tickvals": places, "ticktext": texts}


def timeline_points(
    alerts: Sequence[Alert],
    names: Mapping[str, str],
    now: float,
    span: Span = LAST_MINUTES,
    colours: Palette = LIGHT,
) -> dict[str, list[Any]]:
    """Points of the span: ``x``, ``y``, ``symbol``, ``colour``, ``hover``, ``node``.

    Alerts of one lane that came close together are spread over the lane's height.
    """
    recent = [a for a in reversed(alerts) if a.level in LEVELS and span.covers(a, now)]
    crowds: dict[tuple[str, int], list[Alert]] = {}
    for alert in recent:
        crowds.setdefault((alert.level, int(span.place(alert) // span.bucket_s)), []).append(alert)
    points: dict[str, list[Any]] = {
        "x": [], "y": [], "symbol": [], "colour": [], "hover": [], "node": []
    }  # fmt: skip
    for (level, _), crowd in crowds.items():
        gap = min(0.2, 0.76 / len(crowd))
        for place, alert in enumerate(crowd):
            points["x"].append(span.place(alert))
            points["y"].append(round(LEVELS.index(level) + (place - (len(crowd) - 1) / 2) * gap, 3))
            points["symbol"].append(SYMBOLS.get(alert.state, "circle"))
            points["colour"].append(colours.levels[level])
            points["hover"].append(_hover(alert, names))
            points["node"].append(alert.node_id)
    return points


def _hover(alert: Alert, names: Mapping[str, str]) -> str:
    name = names.get(alert.node_id, alert.node_id)
    lines = [
        f"<b>{name}</b> · {alert.level} {VERBS.get(alert.state, alert.state.lower())}",
        f"risk {formatting.score(alert.risk_score)} "
        f"at grid time {formatting.short_time(alert.timestamp)}",
    ]
    if alert.sources:
        top = alert.sources[0]
        lines.append(f"mostly from {names.get(top.node_id, top.node_id)} ({top.share:.0%})")
    return "<br>".join(lines)
