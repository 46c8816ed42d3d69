"""How two sides agree over the run: overlap, rank correlation, and both risks."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import plotly.graph_objects as go

from ui.dashboard.figures.plain import plain_axis, plain_layout
from ui.dashboard.pages.compare.sides import Side
from ui.dashboard.style.theme import LIGHT, MUTED, Palette
from ui.schema.runs import HistoryPoint

SHOWN = 400
"""Points drawn at most: as many as there are pixels to tell them apart."""


def history_figure(
    points: Sequence[HistoryPoint], pair: Sequence[Side], k: int, colours: Palette = LIGHT
) -> go.Figure:
    """Above: overlap of the top ``k`` and rank correlation; below: both sides' average risk."""
    values = history_values(points, [side.name for side in pair])
    first, second = (side.title for side in pair)
    solid, dashed = colours.accent, colours.levels["WARNING"]
    lines = [
        (f"same top {k}", solid, "solid", "y"),
        ("same order", dashed, "dash", "y"),
        (first, solid, "solid", "y2"),
        (second, dashed, "dash", "y2"),
    ]
    return go.Figure(
        data=[
            go.Scatter(
                name=name,
                x=values["x"],
                y=y,
                yaxis=axis,
                # One window is a point, not a line.
                mode="lines" if len(values["x"]) > 1 else "markers",
                line={"color": colour, "width": 1.7, "dash": dash},
                hovertemplate="%{y:.2f}",
            )
            for (name, colour, dash, axis), y in zip(lines, values["ys"], strict=True)
        ],
        layout=plain_layout(
            "history",
            hovermode="x unified",
            margin={"l": 34, "r": 12, "t": 18, "b": 34},
            xaxis=plain_axis(
                type="date",
                anchor="y2",
                nticks=7,
                tickformat="%d %b<br>%H:%M",
                hoverformat="%a %d %b %H:%M",
            ),
            yaxis=plain_axis(domain=[0.54, 1], range=agreement_range(values["ys"]), nticks=4),
            yaxis2=plain_axis(domain=[0, 0.38], rangemode="tozero", nticks=4),
            annotations=[
                _key(1.0, {f"same top {k}": solid, "same order": dashed}),
                _key(0.38, {f"average risk: {first}": solid, second: dashed}),
            ],
        ),
    )


def agreement_range(ys: Sequence[Sequence[float | None]]) -> list[float]:
    """0 to 1, and down to -1 only when the sides have disagreed that much."""
    low = min((y for line in ys[:2] for y in line if y is not None), default=0.0)
    return [-1.04 if low < -0.04 else -0.04, 1.04]


def history_values(points: Sequence[HistoryPoint], names: Sequence[str]) -> dict[str, Any]:
    """``x``, the windows' ends, and ``ys``, four lines; None where there is no value.

    A run longer than ``SHOWN`` windows is drawn as means of neighbouring windows.
    """
    size = max(1, ceil(len(points) / SHOWN))
    buckets = [points[at : at + size] for at in range(0, len(points), size)]
    return {
        "x": [bucket[-1].window_end for bucket in buckets],
        "ys": [
            [_mean([point.top_k_overlap for point in bucket]) for bucket in buckets],
            [_mean([point.rank_correlation for point in bucket]) for bucket in buckets],
            *(
                [_mean([point.average_risk.get(name) for point in bucket]) for bucket in buckets]
                for name in names
            ),
        ],
    }


def _key(y: float, lines: Mapping[str, str]) -> dict[str, Any]:
    texts = [
        f'<span style="color:{colour}">{stroke}</span> {name}'
        for stroke, (name, colour) in zip(("━━", "╍╍"), lines.items(), strict=True)
    ]
    return {
        "text": "   ".join(texts),
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": y,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": MUTED},
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None
