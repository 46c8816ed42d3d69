"""The map: lines by voltage, nodes coloured and sized by risk, letters for open alarms.

A plain scatter plot with the aspect ratio of the grid's middle latitude: no tiles, no topology
files, nothing to fetch. The figure is built once a grid; every second only the nodes' values
change (:func:`node_values`), so that zoom and pan survive.

Nodes are drawn in order of risk, the highest on top. Of a large grid only the foremost are always
drawn; plotly thins out the others to those that there is room for in the part that is shown.
"""

from math import cos, radians
from typing import Any

import plotly.graph_objects as go

from ui.dashboard.figures.line_walks import walks
from ui.dashboard.figures.map_nodes import (
    FOREMOST,
    LARGE_PX,
    Against,
    Values,
    difference_values,
    font_size,
    foremost,
    is_large,
    letter_values,
    node_values,
    size_scale,
)
from ui.dashboard.figures.outline import OUTLINES
from ui.dashboard.style.theme import (
    FONT,
    LIGHT,
    MUTED,
    Palette,
)
from ui.schema.grid import GridInfo
from ui.schema.views import GridState

OTHERS_TRACE = "others"
SELECTED_TRACE = "selected"
NODE_TRACE = "nodes"
LETTER_TRACE = "alarms"
MARGIN_DEGREES = 0.25


def map_figure(
    grid: GridInfo,
    state: GridState | None,
    selected: str | None = None,
    colours: Palette = LIGHT,
    against: Against | None = None,
) -> go.Figure:
    """The whole map; ``state`` None draws every node at risk 0.

    With ``against``, colour is the difference from that state.
    """
    figure = go.Figure(layout=_layout(grid, colours))
    if outline := OUTLINES.get(grid.name):
        figure.add_trace(_outline_trace(outline, colours))
    for voltage in sorted({line.voltage_kv for line in grid.lines}):
        figure.add_trace(_line_trace(grid, voltage, colours))
    everything = values_of(grid, state, against)
    nodes = foremost(everything)
    if is_large(grid):
        others = _node_trace(OTHERS_TRACE, everything, grid, colours)
        figure.add_trace(others.update(marker={"maxdisplayed": FOREMOST, "showscale": False}))
    figure.add_trace(_selected_trace(grid, selected, colours))
    figure.add_trace(_node_trace(NODE_TRACE, nodes, grid, colours))
    figure.add_trace(_letter_trace(letter_values(nodes, colours), grid))
    if against is not None:
        figure.update_traces(
            marker={
                "cmin": -1,
                "colorscale": [list(stop) for stop in colours.difference],
                "colorbar": {"title": {"text": "difference"}, "tickvals": [-1, -0.5, 0, 0.5, 1]},
            },
            selector=lambda trace: trace.name in (OTHERS_TRACE, NODE_TRACE),
        )
    return figure


def values_of(
    grid: GridInfo, state: GridState | None, against: Against | None = None, zone: str = ""
) -> Values:
    """What is drawn of the nodes: a state, or its difference from another one."""
    if against is not None:
        return difference_values(grid, against.state, state)
    return node_values(grid, state, zone)


def trace_positions(grid: GridInfo) -> dict[str, int]:
    """Where in the figure's data the traces are that change, by name."""
    before = len({line.voltage_kv for line in grid.lines}) + (grid.name in OUTLINES)
    names = [SELECTED_TRACE, NODE_TRACE, LETTER_TRACE]
    if is_large(grid):
        names.insert(0, OTHERS_TRACE)
    return {name: before + place for place, name in enumerate(names)}


def line_width(voltage_kv: float, scale: float = 1.0) -> float:
    """Width in px of a line: 380 kV about twice as thick as 220 kV, never hair or beam."""
    return round(min(max(voltage_kv / 120, 0.8), 5.0) * scale, 1)


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
        line={"color": colours.line, "width": line_width(voltage, size_scale(len(grid.nodes)))},
        hoverinfo="skip",
    )


def _selected_trace(grid: GridInfo, selected: str | None, colours: Palette) -> go.Scatter:
    x, y = ring(grid, selected)
    return go.Scatter(
        name=SELECTED_TRACE,
        x=x,
        y=y,
        mode="markers",
        marker={"size": LARGE_PX * size_scale(len(grid.nodes)) + 6}
        | {"color": "rgba(28,109,208,.10)"}
        | {"line": {"color": colours.accent, "width": 2.5}},
        hoverinfo="skip",
    )


def _node_trace(name: str, values: Values, grid: GridInfo, colours: Palette) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=values["x"],
        y=values["y"],
        customdata=values["id"],
        mode="markers",
        text=values["name"],
        hovertext=values["hover"],
        hovertemplate="%{text}<br>%{hovertext}<extra></extra>",
        marker={
            "color": values["risk"],
            "size": values["size"],
            "opacity": values["opacity"],
            "cmin": 0,
            "cmax": 1,
            "colorscale": [list(stop) for stop in colours.scale],
            "line": {"color": colours.muted, "width": round(size_scale(len(grid.nodes)), 2)},
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


def _letter_trace(values: Values, grid: GridInfo) -> go.Scatter:
    # A trace of its own: with empty texts among the nodes' plotly loses letters in an update.
    return go.Scatter(
        name=LETTER_TRACE,
        x=values["x"],
        y=values["y"],
        text=values["letter"],
        mode="text",
        textfont={
            "color": values["ink"],
            "size": font_size(size_scale(len(grid.nodes))),
            "family": FONT,
            "weight": 700,
        },
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
