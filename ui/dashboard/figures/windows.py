"""A node's recent windows: its risk over the last days, against the alarm levels."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import plotly.graph_objects as go

from ui.dashboard.figures.plain import plain_axis, plain_layout
from ui.dashboard.style.theme import LEVEL_LETTERS, LIGHT, Palette
from ui.schema.views import Window

DAY_MS = 86_400_000


def windows_figure(
    windows: Sequence[Window],
    levels: Mapping[str, float],
    revision: str = "",
    colours: Palette = LIGHT,
) -> go.Figure:
    """Risk of the final windows over a week of event time; ``revision`` names node and run."""
    trace = go.Scatter(
        x=[window.window_end for window in windows],
        y=[round(window.risk, 4) for window in windows],
        customdata=[round(window.stress, 3) for window in windows],
        mode="lines",
        line={"color": colours.accent, "width": 1.8},
        fill="tozeroy",
        fillcolor="rgba(60,140,235,.12)",
        hovertemplate="window ending %{x|%a %d %b %H:%M}<br>risk %{y:.2f} · "
        "stress %{customdata:.2f} h<extra></extra>",
    )
    figure = go.Figure(
        data=[trace],
        layout=plain_layout(
            revision,
            xaxis=plain_axis(
                type="date",
                range=week_until(windows[-1].window_end) if windows else None,
                tickformat="%d %b",
                dtick=2 * DAY_MS,
            ),
            yaxis=plain_axis(range=[0, 1.02], tickvals=[0, 0.5, 1]),
            margin={"l": 28, "r": 18, "t": 6, "b": 22},
            hovermode="x",
        ),
    )
    for level, letter in LEVEL_LETTERS.items():
        if level in levels:
            figure.add_hline(
                y=levels[level],
                line={"color": colours.muted, "width": 0.8, "dash": "dot"},
                annotation={
                    "text": letter,
                    "font": {"size": 10, "color": colours.muted},
                    "xshift": 3,
                },
                annotation_position="right",
            )
    return figure


def week_until(end: str) -> list[str]:
    """The seven days before a time, as the range of an axis."""
    last = datetime.fromisoformat(end)
    return [(last - timedelta(days=7)).isoformat(), end]
