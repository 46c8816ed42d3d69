"""The map: lines by voltage, nodes coloured and sized by risk, letters for open alarms.

A plain scatter plot with the aspect ratio of the grid's middle latitude: no tiles, no topology
files, nothing to fetch. The figure is built once a grid; every second only the nodes' values
change (:func:`node_values`), so that zoom and pan survive.
"""

from collections.abc import Mapping
from math import cos, radians
from typing import Any

import plotly.graph_objects as go

from topology.shards import shard_of
from ui.client.snapshot import standing_still
from ui.dashboard.figures.line_walks import walks
from ui.dashboard.figures.outline import OUTLINES
from ui.dashboard.style import formatting
from ui.dashboard.style.theme import (
    FONT,
    LEVEL_LETTERS,
    LIGHT,
    MUTED,
    Palette,
    ink_on,
    scale_colour,
)
from ui.schema.grid import GridInfo
from ui.schema.views import GridState

NODE_TRACE = "nodes"
LETTER_TRACE = "alarms"
SELECTED_TRACE = "selected"
SMALL_PX, LARGE_PX, LETTER_PX = 8.0, 26.0, 17.0
MARGIN_DEGREES = 0.25
FAINT = 0.3
"""Opacity of a node whose values are old."""


def map_figure(
    grid: GridInfo,
    state: GridState | None,
    selected: str | None = None,
    colours: Palette = LIGHT,
) -> go.Figure:
    """The whole map; ``state`` None draws every node at risk 0."""
    figure = go.Figure(layout=_layout(grid, colours))
    if outline := OUTLINES.get(grid.name):
        figure.add_trace(_outline_trace(outline, colours))
    for voltage in sorted({line.voltage_kv for line in grid.lines}):
        figure.add_trace(_line_trace(grid, voltage, colours))
    figure.add_trace(_selected_trace(grid, selected, colours))
    figure.add_trace(_node_trace(grid, node_values(grid, state), colours))
    figure.add_trace(_letter_trace(letter_values(grid, state, colours)))
    return figure


def trace_positions(grid: GridInfo) -> dict[str, int]:
    """Where in the figure's data the traces are that change, by name."""
    before = len({line.voltage_kv for line in grid.lines}) + (grid.name in OUTLINES)
    return {SELECTED_TRACE: before, NODE_TRACE: before + 1, LETTER_TRACE: before + 2}


def node_values(grid: GridInfo, state: GridState | None) -> dict[str, list[Any]]:
    """What changes of the nodes, aligned to ``grid.nodes``.

    ``risk`` in [0, 1), ``size`` in px, ``hover``: the text below the node's name; ``opacity``, by
    which nodes of a shard that stands still are faint.
    """
    still = standing_still(state) if state else {}
    risks = _by_node(state, state.risk if state else [])
    levels = _by_node(state, state.level if state else [])
    stresses = _by_node(state, state.stress if state else [])
    values: dict[str, list[Any]] = {"risk": [], "size": [], "hover": [], "opacity": []}
    for node in grid.nodes:
        risk, level = risks.get(node.id, 0.0), levels.get(node.id, "")
        values["risk"].append(round(risk, 4))
        values["size"].append(node_size(risk, alarmed=bool(level)))
        age_s = still.get(shard_of(node.id, grid.settings.partitions)) if still else None
        values["hover"].append(_hover(risk, stresses.get(node.id, 0.0), level, age_s))
        values["opacity"].append(1 if age_s is None else FAINT)
    return values


def letter_values(
    grid: GridInfo, state: GridState | None, colours: Palette = LIGHT
) -> dict[str, list[Any]]:
    """The open alarms' letters: ``lon``, ``lat``, ``letter``, ``ink``, one each a node in alarm."""
    risks = _by_node(state, state.risk if state else [])
    levels = _by_node(state, state.level if state else [])
    alarmed = [node for node in grid.nodes if levels.get(node.id) in LEVEL_LETTERS]
    return {
        "lon": [node.lon for node in alarmed],
        "lat": [node.lat for node in alarmed],
        "letter": [LEVEL_LETTERS[levels[node.id]] for node in alarmed],
        "ink": [ink_on(scale_colour(risks[node.id], colours.scale)) for node in alarmed],
    }


def node_size(risk: float, *, alarmed: bool = False) -> float:
    """Diameter in px; its area grows with the risk, and an alarm's letter always fits."""
    size: float = (SMALL_PX**2 + (LARGE_PX**2 - SMALL_PX**2) * min(max(risk, 0.0), 1.0)) ** 0.5
    return round(max(size, LETTER_PX) if alarmed else size, 1)


def line_width(voltage_kv: float) -> float:
    """Width in px of a line: 380 kV about twice as thick as 220 kV, never hair or beam."""
    return round(min(max(voltage_kv / 120, 0.8), 5.0), 1)


def ring(grid: GridInfo, selected: str | None) -> tuple[list[float], list[float]]:
    """Longitudes and latitudes of the selection ring: one point or none."""
    node = next((n for n in grid.nodes if n.id == selected), None)
    return ([node.lon], [node.lat]) if node else ([], [])


def waiting_figure(text: str) -> go.Figure:
    """An empty map that says why."""
    return go.Figure(
        layout={
            "xaxis": {"visible": False},
            "yaxis": {"visible": False},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "color": MUTED},
            "annotations": [
                {
                    "text": text,
                    "showarrow": False,
                    "font": {"size": 15},
                    "xref": "paper",
                    "yref": "paper",
                    "x": 0.5,
                    "y": 0.5,
                }
            ],
        }
    )


def _by_node(state: GridState | None, values: list[Any]) -> Mapping[str, Any]:
    return dict(zip(state.nodes, values, strict=True)) if state else {}


def _hover(risk: float, stress: float, level: str, age_s: float | None) -> str:
    alarm = f"{level} alarm open" if level else "no alarm"
    # Sent every second for every node, so empty and repeated parts are left out.
    more = f"<br>stress {stress:.2f} h" if stress else ""
    age = "" if age_s is None else f"<br>stands still for {formatting.age(age_s)}"
    return f"risk {formatting.score(risk)} · {alarm}{more}{age}"


def _outline_trace(outline: tuple[tuple[float, float], ...], colours: Palette) -> go.Scatter:
    return go.Scatter(
        name="outline",
        x=[lon for lon, _ in outline],
        y=[lat for _, lat in outline],
        mode="lines",
        fill="toself",
        fillcolor=colours.land,
        line={"color": colours.faint, "width": 1, "shape": "spline", "smoothing": 0.4},
        hoverinfo="skip",
    )


def _line_trace(grid: GridInfo, voltage: float, colours: Palette) -> go.Scatter:
    places = {node.id: (node.lon, node.lat) for node in grid.nodes}
    lines = [(line.source, line.target) for line in grid.lines if line.voltage_kv == voltage]
    x: list[float | None] = []
    y: list[float | None] = []
    for walk in walks(lines):
        x += [*(places[node][0] for node in walk), None]
        y += [*(places[node][1] for node in walk), None]
    return go.Scatter(
        name=f"{voltage:g} kV",
        x=x,
        y=y,
        mode="lines",
        line={"color": colours.line, "width": line_width(voltage)},
        hoverinfo="skip",
    )


def _selected_trace(grid: GridInfo, selected: str | None, colours: Palette) -> go.Scatter:
    x, y = ring(grid, selected)
    return go.Scatter(
        name=SELECTED_TRACE,
        x=x,
        y=y,
        mode="markers",
        marker={"size": LARGE_PX + 6, "color": "rgba(28,109,208,.10)"}
        | {"line": {"color": colours.accent, "width": 2.5}},
        hoverinfo="skip",
    )


def _node_trace(grid: GridInfo, values: dict[str, list[Any]], colours: Palette) -> go.Scatter:
    return go.Scatter(
        name=NODE_TRACE,
        x=[node.lon for node in grid.nodes],
        y=[node.lat for node in grid.nodes],
        customdata=[node.id for node in grid.nodes],
        mode="markers",
        text=[f"<b>{node.name}</b> · {node.zone}" for node in grid.nodes],
        hovertext=values["hover"],
        hovertemplate="%{text}<br>%{hovertext}<extra></extra>",
        marker={
            "color": values["risk"],
            "size": values["size"],
            "opacity": values["opacity"],
            "cmin": 0,
            "cmax": 1,
            "colorscale": [list(stop) for stop in colours.scale],
            "line": {"color": colours.muted, "width": 1},
            "colorbar": {
                "title": {"text": "risk", "side": "top", "font": {"size": 12}},
                "tickvals": [0, 0.25, 0.5, 0.75, 1],
                "tickfont": {"size": 11},
                "thickness": 10,
                "len": 0.42,
                "x": 1,
                "xanchor": "right",
                "xpad": 10,
                "y": 0.0,
                "yanchor": "bottom",
                "outlinewidth": 0,
            },
        },
    )


def _letter_trace(values: dict[str, list[Any]]) -> go.Scatter:
    # A trace of its own: with empty texts among the nodes' plotly loses letters in an update.
    return go.Scatter(
        name=LETTER_TRACE,
        x=values["lon"],
        y=values["lat"],
        text=values["letter"],
        mode="text",
        textfont={"color": values["ink"], "size": 11, "family": FONT, "weight": 700},
        hoverinfo="skip",
    )


def _layout(grid: GridInfo, colours: Palette) -> dict[str, Any]:
    outline = OUTLINES.get(grid.name, ())
    lons = [node.lon for node in grid.nodes] + [lon for lon, _ in outline]
    lats = [node.lat for node in grid.nodes] + [lat for _, lat in outline]
    west, east = min(lons) - MARGIN_DEGREES, max(lons) + MARGIN_DEGREES
    south, north = min(lats) - MARGIN_DEGREES, max(lats) + MARGIN_DEGREES
    hidden = {"visible": False, "showgrid": False, "zeroline": False}
    return {
        # Constant for a grid: plotly then keeps what the user zoomed to.
        "uirevision": grid.name,
        "xaxis": {"range": [west, east], **hidden},
        "yaxis": {
            "range": [south, north],
            "scaleanchor": "x",
            "scaleratio": 1 / cos(radians((south + north) / 2)),
            **hidden,
        },
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.muted, "activecolor": colours.ink},
        "dragmode": "pan",
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": colours.card,
            "bordercolor": colours.faint,
            "font": {"color": colours.ink},
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": colours.ink},
    }
