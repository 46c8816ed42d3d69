"""One node under every model: the risk of its windows over a week, its stress step by step."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import plotly.graph_objects as go

from topology.models import title_of
from ui.dashboard.figures.windows import week_until
from ui.dashboard.style import formatting
from ui.dashboard.style.theme import FONT, LIGHT, Palette
from ui.schema.views import NodeDetail

OTHER_MODELS = ("#d9730d", "#009e73")
"""They stand out from the accent colour for colour-blind eyes too, on light and dark grounds.

The legend is on the page (``.model-stroke``): plotly's own takes the plot's room when it wraps.
"""
DASHES = ("solid", "5px,2px", "2px,2px")
PATTERNS = ("", "/", "x")
GRID = "rgba(128,140,152,.22)"

Details = Mapping[str, NodeDetail]


def history_figure(
    details: Details,
    levels: Mapping[str, float],
    stressed: str | None = None,
    colours: Palette = LIGHT,
) -> go.Figure:
    """Risk of the final windows over a week of event time, one line a model, with level lines.

    Parameters
    ----------
    details
        The node under each model, in the models' order.
    levels
        Risk from which each level holds, in [0, 1].
    stressed
        The model drawn thicker, if any.
    colours
        Of the light or the dark page.
    """
    figure = go.Figure(layout=_layout(colours, margin={"l": 34, "r": 74, "t": 8, "b": 24}))
    for place, (model, values) in enumerate(history_values(details).items()):
        figure.add_trace(
            go.Scatter(
                **values,
                name=title_of(model),
                mode="lines",
                line={
                    "color": model_colour(place, colours),
                    "width": line_px(model, stressed),
                    "dash": DASHES[place % len(DASHES)],
                },
                hovertemplate="risk %{y:.2f} · stress %{customdata:.2f} h",
            )
        )
    figure.update_xaxes(
        type="date",
        tickformat="%d %b",
        tickangle=0,
        hoverformat="window ending %a %d %b %H:%M",
    )
    figure.update_xaxes(range=history_range(details))
    figure.update_yaxes(range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1])
    for level, risk in levels.items():
        figure.add_hline(
            y=risk,
            line={"color": colours.muted, "width": 0.9, "dash": "dot"},
            annotation={
                "text": "clear below" if level == "CLEAR" else level,
                "font": {"size": 10, "color": colours.muted},
                "xshift": 4,
            },
            annotation_position="right",
        )
    return figure


def history_values(details: Details) -> dict[str, dict[str, list[Any]]]:
    """The lines' ``x``, ``y`` and ``customdata`` (stress) by model."""
    return {
        model: {
            "x": [window.window_end for window in found.windows],
            "y": [round(window.risk, 4) for window in found.windows],
            "customdata": [round(window.stress, 3) for window in found.windows],
        }
        for model, found in details.items()
    }


def history_range(details: Details) -> list[str] | None:
    """The week that ends with the newest window, None while there is no window."""
    ends = [found.windows[-1].window_end for found in details.values() if found.windows]
    return week_until(max(ends)) if ends else None


def panes_figure(details: Details, colours: Palette = LIGHT) -> go.Figure:
    """Stress of the steps that are still kept as bars, one group a step, one bar a model."""
    figure = go.Figure(layout=_layout(colours, margin={"l": 34, "r": 12, "t": 8, "b": 24}))
    for place, (model, values) in enumerate(panes_values(details).items()):
        figure.add_trace(
            go.Bar(
                **values,
                name=title_of(model),
                marker={
                    "color": model_colour(place, colours),
                    "pattern": {
                        "shape": PATTERNS[place % len(PATTERNS)],
                        "size": 5,
                        "solidity": 0.4,
                    },
                },
                hovertemplate="%{y:.2f} h",
            )
        )
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(type="category", tickangle=0)
    # An hour at full rating is 1: small values must not look large.
    figure.update_yaxes(rangemode="tozero", autorangeoptions={"include": 1})
    return figure


def panes_values(details: Details) -> dict[str, dict[str, list[Any]]]:
    """The bars' ``x`` (starts of the steps, in words) and ``y`` (stress, h) by model."""
    starts = sorted({pane.start for found in details.values() for pane in found.panes})
    names = _step_names(starts)
    values: dict[str, dict[str, list[Any]]] = {}
    for model, found in details.items():
        stress = {pane.start: pane.stress for pane in found.panes}
        values[model] = {
            "x": list(names.values()),
            "y": [round(stress.get(start, 0.0), 4) for start in starts],
        }
    return values


def model_colour(place: int, colours: Palette = LIGHT) -> str:
    """The colour of the first, the second, the third model; a fourth is drawn as the first."""
    return (colours.accent, *OTHER_MODELS)[place % (1 + len(OTHER_MODELS))]


def line_px(model: str, stressed: str | None) -> float:
    """The width of a model's line."""
    return 2.6 if model == stressed else 1.7


def _step_names(starts: list[str]) -> dict[str, str]:
    moments = {start: moment for start in starts if (moment := formatting.parse(start))}
    short = {start: f"{moment.astimezone(UTC):%H:%M}" for start, moment in moments.items()}
    if len(set(short.values())) == len(short):
        return short
    return {start: f"{moment:%d %b %H:%M}" for start, moment in moments.items()}


def _layout(colours: Palette, margin: dict[str, int]) -> dict[str, Any]:
    axis = {
        "fixedrange": True,
        "gridcolor": GRID,
        "zeroline": False,
        "tickfont": {"size": 11, "color": colours.muted},
    }
    return {
        "uirevision": "node",
        "xaxis": axis,
        "yaxis": axis,
        "margin": margin,
        "showlegend": False,
        "dragmode": False,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": colours.card,
            "bordercolor": colours.faint,
            "font": {"color": colours.ink, "size": 12},
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": colours.ink},
    }  # fmt: skip
