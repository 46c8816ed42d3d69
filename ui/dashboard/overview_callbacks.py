"""The overview's callbacks: each fills one panel from the newest snapshot.

They listen to ``news``, which changes only with the snapshot's version: when nothing is new,
nothing is sent. The map and the timeline are patched, never redrawn, so zoom and pan survive.
"""

import time
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
import plotly.graph_objects as go
from dash import ALL, Dash, Input, Output, Patch, State, ctx, no_update

from ui.dashboard.figures import map as grid_map
from ui.dashboard.figures.timeline import (
    MARKS,
    SPAN_S,
    VERBS,
    time_axis,
    timeline_figure,
    timeline_points,
)
from ui.dashboard.figures.windows import windows_figure
from ui.dashboard.panels import detail as panel
from ui.dashboard.panels.kpis import KPIS, kpi_values
from ui.dashboard.panels.top import top_rows
from ui.dashboard.source import Source
from ui.poller import Snapshot
from ui.replies import GridInfo


def register(app: Dash, source: Source) -> None:
    """Add the overview's callbacks."""
    _register_values(app, source)
    _register_map(app, source)
    _register_timeline(app, source)
    _register_selection(app, source)
    _register_detail(app, source)


def _register_values(app: Dash, source: Source) -> None:
    @app.callback(
        [
            target
            for name in KPIS
            for target in (
                Output(f"kpi-{name}", "children"),
                Output(f"kpi-{name}-detail", "children"),
            )
        ],
        Input("news", "data"),
        Input("model", "value"),
    )
    def kpis(_news: int | None, model: str) -> list[str]:
        values = kpi_values(source.snapshot(), model)
        return [text for name in KPIS for text in (values[name].value, values[name].detail)]

    @app.callback(
        Output("top", "rowData"),
        Input("news", "data"),
        Input("model", "value"),
        Input("pick", "value"),
    )
    def top(_news: int | None, model: str, picked: str | None) -> list[dict[str, Any]]:
        view = source.snapshot().view(model)
        return top_rows(view.top, picked) if view else []


def _register_map(app: Dash, source: Source) -> None:
    @app.callback(
        Output("map", "figure"),
        Output("drawn", "data"),
        Input("news", "data"),
        Input("model", "value"),
        Input("pick", "value"),
        State("drawn", "data"),
    )
    def draw(_news: int | None, model: str, picked: str | None, drawn: int | None) -> Any:
        return map_update(source.snapshot(), model, picked, drawn)

    @app.callback(Output("pick", "data"), Input("drawn", "data"))
    def options(_drawn: int | None) -> Any:
        grid = source.snapshot().grid
        return panel.node_options(grid) if grid else no_update


def map_update(
    snapshot: Snapshot, model: str | None, picked: str | None, drawn: int | None
) -> tuple[go.Figure | Patch | Any, Any]:
    """The map's new figure and its grid's mark; a patch when ``drawn`` is that mark."""
    grid = snapshot.grid
    if grid is None:
        return no_update, no_update
    view = snapshot.view(model)
    state = view.state if view else None
    mark = grid_mark(grid)
    if mark != drawn:
        return grid_map.map_figure(grid, state, picked), mark
    values = grid_map.node_values(grid, state)
    place = grid_map.trace_positions(grid)
    figure = Patch()
    nodes = figure["data"][place[grid_map.NODE_TRACE]]
    nodes["marker"]["color"] = values["risk"]
    nodes["marker"]["size"] = values["size"]
    nodes["hovertext"] = values["hover"]
    alarms = grid_map.letter_values(grid, state)
    letters = figure["data"][place[grid_map.LETTER_TRACE]]
    letters["x"], letters["y"] = alarms["lon"], alarms["lat"]
    letters["text"] = alarms["letter"]
    letters["textfont"]["color"] = alarms["ink"]
    selected = figure["data"][place[grid_map.SELECTED_TRACE]]
    selected["x"], selected["y"] = grid_map.ring(grid, picked)
    return figure, no_update


def grid_mark(grid: GridInfo) -> int:
    """A number that differs between grids, to know which one a browser has drawn."""
    return zlib.crc32(msgspec.json.encode(grid))


def _register_timeline(app: Dash, source: Source) -> None:
    @app.callback(
        Output("timeline", "figure"),
        Output("timeline-note", "children"),
        Output("timeline-empty", "children"),
        Input("news", "data"),
        Input("slide", "data"),
        Input("model", "value"),
        State("timeline", "figure"),
    )
    def draw(_news: int | None, _slide: int | None, model: str, figure: Any) -> Any:
        return timeline_update(source.snapshot(), model, time.time(), drawn=bool(figure))


def timeline_update(
    snapshot: Snapshot, model: str | None, now: float, *, drawn: bool
) -> tuple[go.Figure | Patch, str, str]:
    """The timeline's figure or patch, what it counts, and what to say when it is empty."""
    view = snapshot.view(model)
    alerts = view.alerts if view else ()
    names = names_of(snapshot.grid)
    points = timeline_points(alerts, names, now)
    shown = [alert.state for alert in alerts if now - alert.received_at <= SPAN_S]
    note = " · ".join(f"{MARKS[state]} {shown.count(state)} {VERBS[state]}" for state in VERBS)
    empty = "" if points["x"] else "No alarms in the last 10 minutes."
    if not drawn:
        return timeline_figure(alerts, names, now), note, empty
    figure = Patch()
    figure["layout"]["xaxis"].update(time_axis(now))
    trace = figure["data"][0]
    trace["x"], trace["y"], trace["customdata"] = points["x"], points["y"], points["node"]
    trace["hovertext"] = points["hover"]
    trace["marker"]["symbol"] = points["symbol"]
    trace["marker"]["color"] = points["colour"]
    return figure, note, empty


def _register_selection(app: Dash, source: Source) -> None:
    @app.callback(
        Output("pick", "value"),
        Output("map", "clickData"),
        Output("timeline", "clickData"),
        Input("map", "clickData"),
        Input("timeline", "clickData"),
        Input("top", "cellClicked"),
        Input({"type": "goto", "place": ALL, "node": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def select(_map: Any, _timeline: Any, _top: Any, _buttons: Any) -> Any:
        # Clicks are emptied at once, or a second click on the same node would be no change.
        return clicked_node(ctx.triggered_id, ctx.triggered[0]["value"]) or no_update, None, None


def clicked_node(where: Any, value: Any) -> str | None:
    """The node that a click means, None for a click on nothing."""
    if not value:
        return None
    if isinstance(where, Mapping):
        return str(where["node"])
    if where == "top":
        row = value.get("rowId")
        return str(row) if row else None
    node = value["points"][0].get("customdata")
    return str(node) if node else None


def _register_detail(app: Dash, source: Source) -> None:
    @app.callback(
        Output("detail-title", "children"),
        Output("detail-neighbours", "children"),
        Output("detail", "className"),
        Output("detail-help", "className"),
        Input("pick", "value"),
        Input("drawn", "data"),
    )
    def head(picked: str | None, _drawn: int | None) -> Any:
        grid = source.snapshot().grid
        node = next((n for n in grid.nodes if n.id == picked), None) if grid else None
        if grid is None or node is None:
            return [], [], "detail hidden", "help"
        near = neighbours_of(grid, node.id)
        return panel.title(node), panel.neighbours(near, names_of(grid)), "detail", "help hidden"

    @app.callback(
        Output("detail-values", "children"),
        Output("detail-sources", "children"),
        Output("detail-alerts", "children"),
        Output("detail-windows", "figure"),
        Input("pick", "value"),
        Input("model", "value"),
        Input("news", "data"),
    )
    def body(picked: str | None, model: str, _news: int | None) -> Any:
        grid = source.snapshot().grid
        found = source.node(picked, model) if picked and grid else None
        if grid is None or found is None:
            return (no_update,) * 4
        return (
            panel.values(found),
            panel.sources(found.sources, names_of(grid)),
            panel.alerts(found.alerts),
            windows_figure(found.windows, grid.settings.levels, f"{found.node.id}/{found.run}"),
        )


def names_of(grid: GridInfo | None) -> dict[str, str]:
    """The nodes' names by id."""
    return {node.id: node.name for node in grid.nodes} if grid else {}


def neighbours_of(grid: GridInfo, node_id: str) -> list[str]:
    """The nodes one line away, sorted."""
    ends = {(line.source, line.target) for line in grid.lines}
    near = {b if a == node_id else a for a, b in ends if node_id in (a, b)}
    return sorted(near - {node_id})
