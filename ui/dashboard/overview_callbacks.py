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
from dash import ALL, ClientsideFunction, Dash, Input, Output, Patch, State, ctx, no_update

from ui.dashboard import words
from ui.dashboard.figures import map as grid_map
from ui.dashboard.figures.timeline import (
    LAST_MINUTES,
    MARKS,
    SPANS,
    VERBS,
    Span,
    time_axis,
    timeline_figure,
    timeline_points,
)
from ui.dashboard.figures.windows import windows_figure
from ui.dashboard.header import BOTH
from ui.dashboard.panels import detail as panel
from ui.dashboard.panels.kpis import KPIS, kpi_values, trend_style
from ui.dashboard.panels.top import top_rows
from ui.dashboard.source import Source
from ui.dashboard.theme import MODEL_TITLES, model_title, palette
from ui.poller import Snapshot
from ui.replies import GridInfo
from ui.trends import FIGURES


def register(app: Dash, source: Source) -> None:
    """Add the overview's callbacks."""
    _register_values(app, source)
    _register_maps(app, source)
    _register_timeline(app, source)
    _register_selection(app, source)
    _register_detail(app, source)
    _register_browser(app)


def _register_values(app: Dash, source: Source) -> None:
    @app.callback(
        [
            *(Output(f"kpi-{name}", "children") for name in KPIS),
            *(Output(f"kpi-{name}-detail", "children") for name in KPIS),
            *(Output(f"kpi-{name}-trend", "style") for name in FIGURES),
        ],
        Input("news", "data"),
        Input("model", "value"),
    )
    def kpis(_news: int | None, model: str) -> list[Any]:
        values = kpi_values(source.snapshot(), model)
        return [
            *(values[name].value for name in KPIS),
            *(values[name].detail for name in KPIS),
            *(trend_style(values[name].trend) for name in FIGURES),
        ]

    @app.callback(
        Output("top", "rowData"),
        Input("news", "data"),
        Input("model", "value"),
        Input("pick", "value"),
        Input("top-size", "value"),
        Input("scheme", "computedColorScheme"),
    )
    def top(
        _news: int | None, model: str, picked: str | None, size: str | None, scheme: str | None
    ) -> list[dict[str, Any]]:
        view = source.snapshot().view(model)
        shown = view.top[: int(size or 10)] if view else ()
        return top_rows(shown, picked, palette(scheme))

    @app.callback(
        Output("overview", "className"),
        Output("map-title", "children"),
        Output("map-second-title", "children"),
        Output("top-model", "children"),
        Output("timeline-model", "children"),
        Input("view", "value"),
        Input("model", "value"),
        Input("run", "children"),
        State("news", "data"),
    )
    def titles(view: str, model: str, _run: str | None, _news: int | None) -> tuple[str, ...]:
        first, second = shown_models(source.snapshot().grid, view, model)
        if second is None:
            return "overview", "Grid", "", f"by {model_title(model)}", ""
        return (
            "overview side-by-side",
            model_title(first),
            model_title(second),
            f"by {model_title(model)}",
            f"{model_title(model)} · ",
        )


def shown_models(grid: GridInfo | None, view: str | None, model: str) -> tuple[str, str | None]:
    """The models of the first and the second map; the second is None unless side by side."""
    models = grid.models if grid else list(MODEL_TITLES)
    if view == BOTH and len(models) > 1:
        return models[0], models[1]
    return model, None


def _register_maps(app: Dash, source: Source) -> None:
    @app.callback(
        Output("map", "figure"),
        Output("drawn", "data"),
        Input("news", "data"),
        Input("model", "value"),
        Input("view", "value"),
        Input("pick", "value"),
        Input("scheme", "computedColorScheme"),
        State("drawn", "data"),
    )
    def draw(
        _news: int | None,
        model: str,
        view: str | None,
        picked: str | None,
        scheme: str | None,
        drawn: int | None,
    ) -> Any:
        snapshot = source.snapshot()
        first, _ = shown_models(snapshot.grid, view, model)
        return map_update(snapshot, first, picked, drawn, scheme)

    @app.callback(
        Output("map-second", "figure"),
        Output("drawn-second", "data"),
        Input("news", "data"),
        Input("view", "value"),
        Input("pick", "value"),
        Input("scheme", "computedColorScheme"),
        State("model", "value"),
        State("drawn-second", "data"),
    )
    def draw_second(
        _news: int | None,
        view: str | None,
        picked: str | None,
        scheme: str | None,
        model: str,
        drawn: int | None,
    ) -> Any:
        snapshot = source.snapshot()
        _, second = shown_models(snapshot.grid, view, model)
        if second is None:
            return no_update, no_update
        return map_update(snapshot, second, picked, drawn, scheme)

    @app.callback(Output("pick", "data"), Input("drawn", "data"), State("news", "data"))
    def options(_drawn: int | None, _news: int | None) -> Any:
        grid = source.snapshot().grid
        return panel.node_options(grid) if grid else no_update


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
    nodes["hovertext"] = values["hover"]
    alarms = grid_map.letter_values(grid, state, colours)
    letters = figure["data"][place[grid_map.LETTER_TRACE]]
    letters["x"], letters["y"] = alarms["lon"], alarms["lat"]
    letters["text"] = alarms["letter"]
    letters["textfont"]["color"] = alarms["ink"]
    selected = figure["data"][place[grid_map.SELECTED_TRACE]]
    selected["x"], selected["y"] = grid_map.ring(grid, picked)
    return figure, no_update


def grid_mark(grid: GridInfo, scheme: str | None = None) -> int:
    """A number that differs between grids and schemes, to know what a browser has drawn."""
    return zlib.crc32(msgspec.json.encode((grid, palette(scheme).card)))


def _register_timeline(app: Dash, source: Source) -> None:
    @app.callback(
        Output("timeline", "figure"),
        Output("timeline-note", "children"),
        Output("timeline-empty", "children"),
        Input("news", "data"),
        Input("slide", "data"),
        Input("model", "value"),
        Input("timeline-span", "value"),
        Input("scheme", "computedColorScheme"),
        State("timeline", "figure"),
        State("paused", "data"),
    )
    def draw(
        _news: int | None,
        _slide: int | None,
        model: str,
        span: str | None,
        scheme: str | None,
        figure: Any,
        stands: dict[str, Any] | None,
    ) -> Any:
        return timeline_update(
            source.snapshot(),
            model,
            stands["at"] if stands else time.time(),
            drawn=bool(figure),
            span=SPANS.get(span or "", LAST_MINUTES),
            scheme=scheme,
        )


def timeline_update(
    snapshot: Snapshot,
    model: str | None,
    now: float,
    *,
    drawn: bool,
    span: Span = LAST_MINUTES,
    scheme: str | None = None,
) -> tuple[go.Figure | Patch, str, str]:
    """The timeline's figure or patch, what it counts, and what to say when it is empty.

    ``now`` is wall-clock time; a span of grid time ends at the time in the data instead.
    """
    view = snapshot.view(model)
    alerts = view.alerts if view else ()
    if span.grid_time:
        moment = words.parse(view.state.event_time) if view else None
        now = moment.timestamp() if moment else now
    names, colours = names_of(snapshot.grid), palette(scheme)
    points = timeline_points(alerts, names, now, span, colours)
    shown = [alert.state for alert in alerts if span.covers(alert, now)]
    note = " · ".join(f"{MARKS[state]} {shown.count(state)} {VERBS[state]}" for state in VERBS)
    empty = "" if points["x"] else f"No alarms in the {span.label}."
    if not drawn:
        return timeline_figure(alerts, names, now, span, colours), note, empty
    figure = Patch()
    figure["layout"]["xaxis"].update(time_axis(now, span))
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
        Output("map-second", "clickData"),
        Output("timeline", "clickData"),
        Input("map", "clickData"),
        Input("map-second", "clickData"),
        Input("timeline", "clickData"),
        Input("top", "cellClicked"),
        Input({"type": "goto", "place": ALL, "node": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def select(_map: Any, _second: Any, _timeline: Any, _top: Any, _buttons: Any) -> Any:
        # Clicks are emptied at once, or a second click on the same node would be no change.
        node = clicked_node(ctx.triggered_id, ctx.triggered[0]["value"])
        return node or no_update, None, None, None


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
        State("news", "data"),
    )
    def head(picked: str | None, _drawn: int | None, _news: int | None) -> Any:
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
        Input("scheme", "computedColorScheme"),
    )
    def body(picked: str | None, model: str, _news: int | None, scheme: str | None) -> Any:
        grid = source.snapshot().grid
        found = source.node(picked, model) if picked and grid else None
        if grid is None or found is None:
            return (no_update,) * 4
        return (
            panel.values(found, palette(scheme)),
            panel.sources(found.sources, names_of(grid)),
            panel.alerts(found.alerts),
            windows_figure(found.windows, grid.settings.levels, f"{found.node.id}/{found.run}"),
        )


def _register_browser(app: Dash) -> None:
    """What the browser does by itself: the age of the values, linked zoom, the address."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "age"),
        Output("kpi-age", "children"),
        Output("kpi-age-detail", "children"),
        Input("tick", "n_intervals"),
        Input("fresh", "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "linkZoom"),
        Output("linked", "data"),
        Input("map", "relayoutData"),
        Input("map-second", "relayoutData"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "nodeOfAddress"),
        Output("pick", "value", allow_duplicate=True),
        Input("pick", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "writeAddress"),
        Output("address", "data"),
        Input("view", "value"),
        Input("pick", "value"),
        prevent_initial_call=True,
    )


def names_of(grid: GridInfo | None) -> dict[str, str]:
    """The nodes' names by id."""
    return {node.id: node.name for node in grid.nodes} if grid else {}


def neighbours_of(grid: GridInfo, node_id: str) -> list[str]:
    """The nodes one line away, sorted."""
    ends = {(line.source, line.target) for line in grid.lines}
    near = {b if a == node_id else a for a, b in ends if node_id in (a, b)}
    return sorted(near - {node_id})
