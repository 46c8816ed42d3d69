"""The overview's selected node: its selection and its panel."""

from collections.abc import Mapping
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from ui.dashboard.figures.windows import windows_figure
from ui.dashboard.panels import detail as panel
from ui.dashboard.shell.source import Source
from ui.dashboard.style.grid_facts import names_of, neighbours_of
from ui.dashboard.style.theme import palette


def register(app: Dash, source: Source) -> None:
    """Add the callbacks of selection and node panel."""
    _register_selection(app)
    _register_detail(app, source)


def _register_selection(app: Dash) -> None:
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
        return (node, None, None, None) if node else (no_update,) * 4

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
        Input("zone", "value"),
        prevent_initial_call=True,
    )


def _register_detail(app: Dash, source: Source) -> None:
    @app.callback(
        Output("detail-title", "children"),
        Output("detail-neighbours", "children"),
        Output("detail", "className"),
        Output("detail-help", "className"),
        Input("pick", "value"),
        Input("grid", "data"),
        State("news", "data"),
    )
    def head(picked: str | None, _grid: int | None, _news: object) -> Any:
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
    def body(picked: str | None, model: str, _news: object, scheme: str | None) -> Any:
        grid = source.snapshot().grid
        found = source.node(picked, model) if picked and grid else None
        if grid is None or found is None:
            return (no_update,) * 4
        return (
            panel.values(found, palette(scheme)),
            panel.sources(found.sources, names_of(grid), found.stress),
            panel.alerts(found.alerts),
            windows_figure(
                found.windows,
                grid.settings.levels,
                f"{found.node.id}/{found.run}",
                palette(scheme),
            ),
        )


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
