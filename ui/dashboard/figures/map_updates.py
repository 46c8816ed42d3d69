"""Updates of a map: the browser gets the figure once, then only the nodes' new values."""

from typing import Any

import plotly.graph_objects as go
from dash import Patch, no_update

from ui.client.snapshot import Snapshot
from ui.dashboard.figures import map as grid_map
from ui.dashboard.figures import map_nodes
from ui.dashboard.style.grid_facts import grid_mark
from ui.dashboard.style.theme import palette


def map_update(
    snapshot: Snapshot,
    model: str | None,
    picked: str | None,
    drawn: int | None,
    scheme: str | None = None,
) -> tuple[go.Figure | Patch | Any, Any]:
    """The map's new figure and its mark; a patch when ``drawn`` is that mark."""
    grid = snapshot.grid
    if grid is None:
        return no_update, no_update
    colours = palette(scheme)
    view = snapshot.view(model)
    state = view.state if view else None
    mark = grid_mark(grid, scheme)
    if mark != drawn:
        return grid_map.map_figure(grid, state, picked, colours), mark
    everything = map_nodes.node_values(grid, state)
    nodes = map_nodes.foremost(everything)
    place = grid_map.trace_positions(grid)
    figure = Patch()
    traces = figure["data"]
    moved = traces[place[grid_map.NODE_TRACE]]
    moved["x"], moved["y"] = nodes["x"], nodes["y"]
    moved["customdata"], moved["text"] = nodes["id"], nodes["name"]
    _renew(moved, nodes)
    if map_nodes.is_large(grid):
        _renew(traces[place[grid_map.OTHERS_TRACE]], everything)
    alarms = map_nodes.letter_values(nodes, colours)
    letters = traces[place[grid_map.LETTER_TRACE]]
    letters["x"], letters["y"] = alarms["x"], alarms["y"]
    letters["text"] = alarms["letter"]
    letters["textfont"]["color"] = alarms["ink"]
    selected = traces[place[grid_map.SELECTED_TRACE]]
    selected["x"], selected["y"] = grid_map.ring(grid, picked)
    return figure, no_update


def _renew(trace: Any, values: map_nodes.Values) -> None:
    """Give a trace of nodes their new values."""
    trace["marker"]["color"] = values["risk"]
    trace["marker"]["size"] = values["size"]
    faint = map_nodes.FAINT in values["opacity"]
    trace["marker"]["opacity"] = values["opacity"] if faint else 1
    trace["hovertext"] = values["hover"]
