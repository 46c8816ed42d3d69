"""Scatter plot: each node's risk on one side against that on the other."""

from collections.abc import Mapping, Sequence
from heapq import nlargest
from typing import Any

import plotly.graph_objects as go

from ui.dashboard.figures.map_nodes import FOREMOST
from ui.dashboard.figures.plain import plain_axis, plain_layout
from ui.dashboard.pages.compare.sides import Side
from ui.dashboard.style import formatting
from ui.dashboard.style.theme import LIGHT, Palette
from ui.schema.views import Compare

NODES, PICKED = 1, 2
"""Places of the traces that change."""

SYMBOLS = {
    (False, False): "circle-open",
    (True, False): "triangle-down",
    (False, True): "triangle-up",
    (True, True): "diamond",
}
"""Symbol by whether the first and the second side have an alarm open."""


def scatter_figure(
    compare: Compare | None,
    pair: Sequence[Side],
    names: Mapping[str, str],
    picked: str | None = None,
    colours: Palette = LIGHT,
) -> go.Figure:
    """The figure: first side to the right, second upwards, both from 0 to 1, and the diagonal."""
    values = scatter_values(compare, pair, names, colours)
    ring = picked_point(compare, pair, picked)
    diagonal = go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": colours.muted, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    nodes = go.Scatter(
        x=values["x"],
        y=values["y"],
        customdata=values["node"],
        hovertext=values["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers",
        marker={"size": 9, "symbol": values["symbol"], "color": values["colour"], "opacity": 0.85},
    )
    selected = go.Scatter(
        x=ring["x"],
        y=ring["y"],
        mode="markers",
        marker={
            "size": 20,
            "color": "rgba(28,109,208,.10)",
            "line": {"color": colours.accent, "width": 2},
        },
        hoverinfo="skip",
    )
    first, second = (side.title for side in pair)
    ticks = {"range": [-0.03, 1.03], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    return go.Figure(
        data=[diagonal, nodes, selected],
        layout=plain_layout(
            "scatter",
            xaxis=plain_axis(f"risk, {first}", constrain="domain", **ticks),
            yaxis=plain_axis(
                f"risk, {second}", scaleanchor="x", constrain="domain", scaleratio=1, **ticks
            ),
        ),
    )


def scatter_values(
    compare: Compare | None,
    pair: Sequence[Side],
    names: Mapping[str, str],
    colours: Palette = LIGHT,
) -> dict[str, list[Any]]:
    """The points: ``x``, ``y`` in [0, 1), ``symbol``, ``colour``, ``hover``, ``node`` ids.

    Of a large grid they are the nodes in alarm and those with the highest risk.
    """
    points: dict[str, list[Any]] = {
        "x": [], "y": [], "symbol": [], "colour": [], "hover": [], "node": []
    }  # fmt: skip
    if compare is None:
        return points
    first, second = (compare.models[side.name] for side in pair)
    tints = (colours.muted, colours.levels["WARNING"], colours.levels["CRITICAL"])

    def weight(place: int) -> tuple[bool, float]:
        alarm = bool(first.level[place] or second.level[place])
        return alarm, max(first.risk[place], second.risk[place])

    for place in sorted(nlargest(FOREMOST, range(len(compare.nodes)), key=weight)):
        node, x, y = compare.nodes[place], first.risk[place], second.risk[place]
        levels = first.level[place], second.level[place]
        alarms = sum(map(bool, levels))
        text = "<br>".join(
            f"{side.title}: {formatting.score(risk)}{f', {level}' if level else ''}"
            for side, risk, level in zip(pair, (x, y), levels, strict=True)
        )
        points["x"].append(round(x, 4))
        points["y"].append(round(y, 4))
        points["symbol"].append(SYMBOLS[bool(levels[0]), bool(levels[1])])
        points["colour"].append(tints[alarms])
        points["hover"].append(f"<b>{names.get(node, node)}</b><br>{text}")
        points["node"].append(node)
    return points


def picked_point(
    compare: Compare | None, pair: Sequence[Side], picked: str | None
) -> dict[str, list[float]]:
    """``x`` and ``y`` of the ring around the picked node: one point or none."""
    if compare is None or picked not in compare.nodes:
        return {"x": [], "y": []}
    place = compare.nodes.index(picked)
    x, y = (round(compare.models[side.name].risk[place], 4) for side in pair)
    return {"x": [x], "y": [y]}
