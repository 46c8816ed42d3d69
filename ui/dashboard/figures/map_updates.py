"""Updates of a map: the browser gets the figure once, then only the nodes' new values.

A page asks for the figure when the grid or the colours are others, never because values are new: a
question that is asked again before its answer has come is forgotten, so a figure that takes longer
than a second would never be drawn while data flow.
"""

from typing import Any

import plotly.graph_objects as go
from dash import Patch, no_update

from ui.client.snapshot import Snapshot
from ui.dashboard.figures import map as grid_map
from ui.dashboard.figures import map_nodes
from ui.dashboard.style.grid_facts import grid_mark
from ui.dashboard.style.theme import palette
from ui.schema.views import GridState


def whole_map(
    snapshot: Snapshot, model: str | None, picked: str | None, scheme: str | None = None
) -> tuple[go.Figure | Any, Any]:
    """The map's figure and the mark of what it is drawn for."""
    if snapshot.grid is None:
        return no_update, no_update
    figure = grid_map.map_figure(snapshot.grid, _state(snapshot, model), picked, palette(scheme))
    return figure, grid_mark(snapshot.grid, scheme)


def moved_map(
    snapshot: Snapshot,
    model: str | None,
    picked: str | None,
    drawn: int | None,
    scheme: str | None = None,
    zone: str = "",
) -> Patch | Any:
    """The new values of the map that is ``drawn``; nothing while that is another one.

    Nodes outside of ``zone``, if one is named, are faint.
    """
    grid = snapshot.grid
    if grid is None or drawn != grid_mark(grid, scheme):
        return no_update
    state = _state(snapshot, model)
    everything = map_nodes.node_values(grid, state, zone)
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
    alarms = map_nodes.letter_values(nodes, palette(scheme))
    letters = traces[place[grid_map.LETTER_TRACE]]
    letters["x"], letters["y"] = alarms["x"], alarms["y"]
    letters["text"] = alarms["letter"]
    letters["textfont"]["color"] = alarms["ink"]
    selected = traces[place[grid_map.SELECTED_TRACE]]
    selected["x"], selected["y"] = grid_map.ring(grid, picked)
    return figure


def _state(snapshot: Snapshot, model: str | None) -> GridState | None:
    view = snapshot.view(model)
    return view.state if view else None


def _renew(trace: Any, values: map_nodes.Values) -> None:
    """Give a trace of nodes their new values."""
    trace["marker"]["color"] = values["risk"]
    trace["marker"]["size"] = values["size"]
    faint = map_nodes.FAINT in values["opacity"]
    trace["marker"]["opacity"] = values["opacity"] if faint else 1
    trace["hovertext"] = values["hover"]
