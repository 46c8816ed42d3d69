"""The figures of the report."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gridstress.compare.comparison import Comparison
from gridstress.compare.measures import PairMeasures
from gridstress.compare.report import SHOWN
from gridstress.compare.score import BASELINES, Score
from gridstress.compare.sweep import Outcome
from gridstress.verify.episodes import LEVELS
from topology.clock import HOUR_S
from topology.messages import Floats
from topology.models import title_of
from ui.dashboard.figures.plain import GRID_LINE
from ui.dashboard.style.theme import FONT, INK, LEVEL_COLOURS

COLOURS = ("#1c6dd0", "#c2571a", "#2f7d4f", "#7b3fa0", "#5f6b7a", "#8a6d00")
"""By model, in the settings' order, baselines after them; distinct in grey by their place."""
MOST_POINTS = 1_500
"""Points a line has at most; of a year of hours each stands for six."""


def colour_of(place: int) -> str:
    """Colour of the model at this place."""
    return COLOURS[place % len(COLOURS)]


def alarms_figure(comparison: Comparison) -> go.Figure:
    """How many nodes are in alarm at a time, by model."""
    figure = _figure("nodes in alarm", height=300)
    for i, course in enumerate(comparison.courses.values()):
        x, y = _thinned(comparison.ends_s, course.alarmed.sum(axis=1).astype(float), np.max)
        figure.add_scatter(x=x, y=y, name=course.title, line={"color": colour_of(i), "width": 1.5})
    return figure


def levels_figure(comparison: Comparison) -> go.Figure:
    """Episodes by the highest level each reached, by model."""
    figure = _figure("alarm episodes", height=300, barmode="stack")
    models = list(comparison.models)
    for level in LEVELS:
        figure.add_bar(
            x=[comparison.title_of(model) for model in models],
            y=[comparison.models[model].episodes[level] for model in models],
            name=level,
            marker_color=LEVEL_COLOURS[level],
        )
    return figure


def agreement_figure(comparison: Comparison, pair: PairMeasures) -> go.Figure:
    """Rank correlation and overlap of two models over time."""
    figure = _figure("agreement", height=300)
    measures = {
        "Spearman's rho": pair.spearman_at,
        "Kendall's tau": pair.kendall_at,
        "same top 10": pair.overlap_at,
    }
    for i, (name, values) in enumerate(measures.items()):
        x, y = _thinned(comparison.ends_s, values, np.nanmean)
        figure.add_scatter(
            x=x, y=y, name=name, mode="markers", marker={"color": colour_of(i), "size": 4}
        )
    return figure


def nodes_figure(comparison: Comparison, pair: PairMeasures) -> go.Figure:
    """Each node's hours in alarm, one model against the other."""
    hours = comparison.step_s / HOUR_S
    first, second = map(comparison.title_of, (pair.first, pair.second))
    x, y = (
        comparison.courses[model].alarmed.sum(axis=0) * hours for model in (pair.first, pair.second)
    )
    figure = _figure(f"hours in alarm, {second}", height=380, showlegend=False)
    figure.update_xaxes(title=f"hours in alarm, {first}")
    top = float(max(x.max(), y.max(), 1))
    figure.add_scatter(
        x=[0, top], y=[0, top], mode="lines", line={"dash": "dot", "color": "#9aa7b5"}
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        text=[node.name for node in comparison.grid.nodes],
        hovertemplate="%{text}: %{x:.0f} h, %{y:.0f} h<extra></extra>",
        marker={"color": colour_of(0), "size": 7, "opacity": 0.7},
    )
    return figure


def zones_figure(pair: PairMeasures) -> go.Figure:
    """Alarms in common by zone."""
    figure = _figure("Jaccard index", height=300)
    figure.update_yaxes(range=[0, 1])
    figure.add_bar(
        x=[zone.zone for zone in pair.zones],
        y=[zone.jaccard for zone in pair.zones],
        marker_color=colour_of(0),
        text=["no alarm" if zone.jaccard is None else f"{zone.jaccard:.2f}" for zone in pair.zones],
    )
    return figure


def sweep_figure(swept: Sequence[Outcome], parameter: str, pair: str) -> go.Figure:
    """Hours in alarm by model, and alarms in common, over the values of a parameter."""
    chosen = [outcome for outcome in swept if outcome.variation.parameter == parameter]
    x = [f"{outcome.variation.value}{' *' if outcome.variation.own else ''}" for outcome in chosen]
    figure = _figure("node-hours in alarm", height=300)
    for i, model in enumerate(chosen[0].node_hours):
        figure.add_scatter(
            x=x,
            y=[outcome.node_hours[model] for outcome in chosen],
            name=title_of(model),
            mode="lines+markers",
            line={"color": colour_of(i)},
        )
    figure.add_scatter(
        x=x,
        y=[outcome.jaccard[pair] for outcome in chosen],
        name="alarms in common (right)",
        yaxis="y2",
        mode="lines+markers",
        line={"color": "#5f6b7a", "dash": "dot"},
    )
    figure.update_layout(
        xaxis={"title": parameter, "type": "category"},
        yaxis={"rangemode": "tozero"},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 1],
            "tickmode": "linear",
            "dtick": 0.25,
            "showgrid": False,
        },
    )
    return figure


def score_figure(score: Score) -> go.Figure:
    """Marks of models and baselines against DC power flow, with their intervals."""
    figure = _figure("mark (1 is the power flow itself)", height=340, barmode="group")
    figure.update_yaxes(range=[min(0.0, *_means(score)) - 0.02, 1.02])
    for i, (name, marks) in enumerate(score.marks.items()):
        found = [marks.means[measure] for measure in SHOWN]
        figure.add_bar(
            x=list(SHOWN.values()),
            y=[value.mean for value in found],
            name=title_of(name),
            marker={
                "color": colour_of(i),
                "pattern": {"shape": "/" if name in BASELINES else ""},
            },
            error_y={
                "array": [value.high - value.mean for value in found],
                "arrayminus": [value.mean - value.low for value in found],
                "thickness": 1,
            },
        )
    return figure


def _means(score: Score) -> list[float]:
    means = [marks.means[measure].mean for marks in score.marks.values() for measure in SHOWN]
    return [value for value in means if not np.isnan(value)]


def _figure(y_title: str, height: int, **layout: Any) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 50, "t": 10, "b": 44},
        font={"family": FONT, "color": INK, "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.12},
        hovermode="closest",
        **layout,
    )
    figure.update_xaxes(gridcolor=GRID_LINE, zeroline=False)
    figure.update_yaxes(gridcolor=GRID_LINE, zeroline=False, title=y_title)
    return figure


def _thinned(ends_s: Floats, values: Floats, combine: Any) -> tuple[list[datetime], list[Any]]:
    """Neighbouring windows as one point, so that no line has more than ``MOST_POINTS``."""
    size = -(-len(ends_s) // MOST_POINTS)
    x, y = [], []
    for first in range(0, len(ends_s), size):
        some = values[first : first + size]
        x.append(datetime.fromtimestamp(float(ends_s[first]), UTC))
        y.append(None if np.isnan(some).all() else float(combine(some)))
    return x, y
