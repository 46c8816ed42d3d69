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
from ui.schema.grid import GridInfo
from ui.schema.views import GridState


def whole_map(
    snapshot: Snapshot,
    model: str | None,
    picked: str | None,
    scheme: str | None = None,
    against: map_nodes.Against | None = None,
) -> tuple[go.Figure | Any, Any]:
    """The map's figure and the mark of what it is drawn for; as of ``map_figure``."""
    if snapshot.grid is None:
        return no_update, no_update
    state = _state(snapshot, model)
    figure = grid_map.map_figure(snapshot.grid, state, picked, palette(scheme), against)
    return figure, grid_mark(snapshot.grid, scheme)


def moved_map(
    snapshot: Snapshot,
    model: str | None,
    picked: str | None,
    drawn: int | None,
    scheme: str | None = None,
    zone: str = "",
    against: map_nodes.Against | None = None,
) -> Patch | Any:
    """The new values of the map that is ``drawn``; nothing while that is another one.

    Nodes outside of ``zone``, if one is named, are faint; ``against`` as of ``map_figure``.
    """
    grid = snapshot.grid
    if grid is None or drawn != grid_mark(grid, scheme):
        return no_update
    values = grid_map.values_of(grid, _state(snapshot, model), against, zone)
    figure = Patch()
    for trace, changes in map_changes(grid, values, picked, scheme).items():
        for path, value in changes.items():
            *above, last = path.split(".")
            place = figure["data"][trace]
            for name in above:
                place = place[name]
            place[last] = value
    return figure


def map_changes(
    grid: GridInfo, everything: map_nodes.Values, picked: str | None, scheme: str | None = None
) -> dict[int, dict[str, Any]]:
    """What is new in a map with other values: by trace, each attribute's path and its value."""
    nodes = map_nodes.foremost(everything)
    alarms = map_nodes.letter_values(nodes, palette(scheme))
    place = grid_map.trace_positions(grid)
    x, y = grid_map.ring(grid, picked)
    changes: dict[int, dict[str, Any]] = {
        place[grid_map.NODE_TRACE]: {
            "x": nodes["x"],
            "y": nodes["y"],
            "customdata": nodes["id"],
            "text": nodes["name"],
            **_renewed(nodes),
        },
        place[grid_map.LETTER_TRACE]: {
            "x": alarms["x"],
            "y": alarms["y"],
            "text": alarms["letter"],
            "textfont.color": alarms["ink"],
        },
        place[grid_map.SELECTED_TRACE]: {"x": x, "y": y},
    }
    if map_nodes.is_large(grid):
        changes[place[grid_map.OTHERS_TRACE]] = _renewed(everything)
    return changes


def _state(snapshot: Snapshot, model: str | None) -> GridState | None:
    view = snapshot.view(model)
    return view.state if view else None


def _renewed(values: map_nodes.Values) -> dict[str, Any]:
    """A trace's new values of its nodes."""
    faint = map_nodes.FAINT in values["opacity"]
    return {
        "marker.color": values["risk"],
        "marker.size": values["size"],
        "marker.opacity": values["opacity"] if faint else 1,
        "hovertext": values["hover"],
    }
