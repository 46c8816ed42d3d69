"""Updates of a map: the browser gets the figure once, then only the nodes' new values."""

from typing import Any

import plotly.graph_objects as go
from dash import Patch, no_update

from ui.client.snapshot import Snapshot
from ui.dashboard.figures import map as grid_map
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
    values = grid_map.node_values(grid, state)
    place = grid_map.trace_positions(grid)
    figure = Patch()
    nodes = figure["data"][place[grid_map.NODE_TRACE]]
    nodes["marker"]["color"] = values["risk"]
    nodes["marker"]["size"] = values["size"]
    faint = grid_map.FAINT in values["opacity"]
    nodes["marker"]["opacity"] = values["opacity"] if faint else 1
    nodes["hovertext"] = values["hover"]
    alarms = grid_map.letter_values(grid, state, colours)
    letters = figure["data"][place[grid_map.LETTER_TRACE]]
    letters["x"], letters["y"] = alarms["lon"], alarms["lat"]
    letters["text"] = alarms["letter"]
    letters["textfont"]["color"] = alarms["ink"]
    selected = figure["data"][place[grid_map.SELECTED_TRACE]]
    selected["x"], selected["y"] = grid_map.ring(grid, picked)
    return figure, no_update
