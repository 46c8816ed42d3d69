"""The alert timeline: the last ten minutes of wall-clock time, one lane a level."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from ui.dashboard import words
from ui.dashboard.theme import FAINT, FONT, INK, LEVEL_COLOURS, LEVELS, MUTED
from ui.replies import Alert

SPAN_S = 600
SLIDE_S = 5
BUCKET_S = 15
SYMBOLS = {"RAISED": "triangle-up", "ESCALATED": "diamond", "CLEARED": "circle-open"}
MARKS = {"RAISED": "▲", "ESCALATED": "◆", "CLEARED": "○"}
VERBS = {"RAISED": "raised", "ESCALATED": "escalated", "CLEARED": "cleared"}


def timeline_figure(alerts: Sequence[Alert], names: Mapping[str, str], now: float) -> go.Figure:
    """The figure; ``now`` in epoch seconds, ``names`` the nodes' names by id."""
    points = timeline_points(alerts, names, now)
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
        layout={
            "uirevision": "timeline",
            "xaxis": {
                **time_axis(now),
                "ticktext": ["10 min ago", "8", "6", "4", "2", "now"],
                "fixedrange": True,
                "gridcolor": "#edf0f3",
                "zeroline": False,
                "tickfont": {"size": 11, "color": MUTED},
            },
            "yaxis": {
                "range": [-0.55, len(LEVELS) - 0.45],
                "tickvals": list(range(len(LEVELS))),
                "ticktext": list(LEVELS),
                "fixedrange": True,
                "gridcolor": "#e3e8ed",
                "zeroline": False,
                "tickfont": {"size": 11, "color": MUTED},
            },
            "margin": {"l": 76, "r": 34, "t": 6, "b": 26},
            "showlegend": False,
            "dragmode": False,
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": "white", "bordercolor": FAINT, "font": {"color": INK}},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "color": INK},
        },
    )


def time_axis(now: float) -> dict[str, list[float]]:
    """Range and tick places of the last ten minutes, moved on in steps of a few seconds."""
    end = (now // SLIDE_S + 1) * SLIDE_S
    start = end - SPAN_S
    return {
        "range": [start - 6, end + 6],
        "tickvals": [start + minutes * 60 for minutes in (0, 2, 4, 6, 8, 10)],
    }


def timeline_points(
    alerts: Sequence[Alert], names: Mapping[str, str], now: float
) -> dict[str, list[Any]]:
    """Points of the last ten minutes: ``x``, ``y``, ``symbol``, ``colour``, ``hover``, ``node``.

    Alerts of one lane that came within a few seconds are spread over the lane's height.
    """
    recent = [a for a in reversed(alerts) if a.level in LEVELS and now - a.received_at <= SPAN_S]
    crowds: dict[tuple[str, int], list[Alert]] = {}
    for alert in recent:
        crowds.setdefault((alert.level, int(alert.received_at // BUCKET_S)), []).append(alert)
    points: dict[str, list[Any]] = {
        "x": [], "y": [], "symbol": [], "colour": [], "hover": [], "node": []
    }  # fmt: skip
    for (level, _), crowd in crowds.items():
        gap = min(0.2, 0.76 / len(crowd))
        for place, alert in enumerate(crowd):
            points["x"].append(alert.received_at)
            points["y"].append(round(LEVELS.index(level) + (place - (len(crowd) - 1) / 2) * gap, 3))
            points["symbol"].append(SYMBOLS.get(alert.state, "circle"))
            points["colour"].append(LEVEL_COLOURS[level])
            points["hover"].append(_hover(alert, names))
            points["node"].append(alert.node_id)
    return points


def _hover(alert: Alert, names: Mapping[str, str]) -> str:
    name = names.get(alert.node_id, alert.node_id)
    lines = [
        f"<b>{name}</b> · {alert.level} {VERBS.get(alert.state, alert.state.lower())}",
        f"risk {words.score(alert.risk_score)} at grid time {words.short_time(alert.timestamp)}",
    ]
    if alert.sources:
        top = alert.sources[0]
        lines.append(f"mostly from {names.get(top.node_id, top.node_id)} ({top.share:.0%})")
    return "<br>".join(lines)
