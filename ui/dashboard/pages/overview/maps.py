"""The overview's maps: one, or two that are zoomed together. They are patched, never redrawn."""

from http import HTTPStatus
from typing import Any

import msgspec
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component
from flask import Flask, Response, request

from ui.dashboard.figures.map import line_width
from ui.dashboard.figures.map_nodes import is_large, node_values
from ui.dashboard.figures.map_updates import map_changes, moved_map, whole_map
from ui.dashboard.pages.overview.zones import chosen
from ui.dashboard.panels import detail as panel
from ui.dashboard.shell.header import BOTH
from ui.dashboard.shell.model_pair import pair_of
from ui.dashboard.shell.source import Source
from ui.dashboard.shell.view_context import known_moment
from ui.dashboard.style.grid_facts import grid_mark
from ui.schema.grid import GridInfo

MAPS = ("map", "map-second")
MOMENTS = "/map-at"
"""Where the values of a moment are asked for."""
FOLLOWED = {
    "drawn": ("map-drawn", "data"),
    "second": ("map-second-drawn", "data"),
    "model": ("model", "value"),
    "view": ("view", "value"),
    "pair": ("pair", "value"),
    "run": ("run-chosen", "data"),
    "zone": ("zone", "value"),
    "pick": ("pick", "value"),
    "scheme": ("scheme", "computedColorScheme"),
}
"""What `overview.js` asks with, in its order."""
VOLTAGES = 4
"""Voltages that the legend shows."""


def register(app: Dash, source: Source) -> None:
    """Add the maps' callbacks."""
    for place, name in enumerate(MAPS):
        _register_map(app, source, place, name)

    @app.callback(
        Output("pick", "data"),
        Output("map-voltages", "children"),
        Input("grid", "data"),
        State("news", "data"),
    )
    def options(_grid: int | None, _news: object) -> Any:
        grid = source.snapshot().grid
        if grid is None:
            return no_update, no_update
        return panel.node_options(grid), voltage_legend(grid)

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "linkZoom"),
        Output("linked", "data"),
        Input("map", "relayoutData"),
        Input("map-second", "relayoutData"),
        prevent_initial_call=True,
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressShare", "map"),
        Output("map-shared", "data"),
        Input("map", "relayoutData"),
        Input("map-drawn", "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressFollow", "look"),
        Output("map-followed", "data"),
        *(Input(name, part) for name, part in FOLLOWED.values()),
    )
    _register_moments(app, source)


def _register_moments(app: Dash, source: Source) -> None:
    """The maps' values at a moment, for the time bar while it is dragged."""
    server: Flask = app.server

    @server.get(MOMENTS)
    def moments() -> Response:
        asked, newest = request.args, source.snapshot()
        grid, at = newest.grid, known_moment(asked.get("at"))
        run = asked.get("run") or (newest.run.run if newest.run else "")
        scheme = asked.get("scheme")
        if (
            grid is None
            or at is None
            or not run
            or asked.get("drawn") != str(grid_mark(grid, scheme))
        ):
            return Response(status=HTTPStatus.NO_CONTENT)
        shown = shown_models(grid, asked.get("view"), asked.get("model", ""), asked.get("pair"))
        found: dict[str, Any] = {}
        for name, model in zip(MAPS, shown, strict=True):
            state = source.state_of(run, model, at) if model in grid.models else None
            if state is not None:
                values = node_values(grid, state, chosen(asked.get("zone")))
                found[name] = map_changes(grid, values, asked.get("pick"), scheme)
        return Response(msgspec.json.encode(found), mimetype="application/json")


def _register_map(app: Dash, source: Source, place: int, name: str) -> None:
    @app.callback(
        Output(name, "figure"),
        Output(f"{name}-drawn", "data"),
        Input("grid", "data"),
        Input("scheme", "computedColorScheme"),
        Input("view", "value"),
        Input("pair", "value"),
        State("model", "value"),
        State("pick", "value"),
        State("news", "data"),
        State(f"{name}-drawn", "data"),
    )
    def draw(
        _grid: int | None,
        scheme: str | None,
        view: str | None,
        pair: str | None,
        model: str,
        picked: str | None,
        _news: object,
        drawn: int | None,
    ) -> Any:
        snapshot = source.snapshot()
        shown = shown_models(snapshot.grid, view, model, pair)[place]
        if shown is None or drawn == grid_mark(snapshot.grid, scheme):
            return no_update, no_update
        return whole_map(snapshot, shown, picked, scheme)

    @app.callback(
        Output(name, "figure", allow_duplicate=True),
        Input("news", "data"),
        Input(f"{name}-drawn", "data"),
        Input("model", "value"),
        Input("view", "value"),
        Input("pair", "value"),
        Input("pick", "value"),
        Input("zone", "value"),
        State("scheme", "computedColorScheme"),
        prevent_initial_call=True,
    )
    def move(
        _news: object,
        drawn: int | None,
        model: str,
        view: str | None,
        pair: str | None,
        picked: str | None,
        zone: str | None,
        scheme: str | None,
    ) -> Any:
        snapshot = source.snapshot()
        shown = shown_models(snapshot.grid, view, model, pair)[place]
        if shown is None:
            return no_update
        return moved_map(snapshot, shown, picked, drawn, scheme, chosen(zone))


def voltage_legend(grid: GridInfo) -> list[Component]:
    """The strokes of the grid's highest voltages, how many more there are, and what is left out."""
    voltages = sorted({line.voltage_kv for line in grid.lines}, reverse=True)
    strokes: list[Component] = [
        html.Span(
            [
                html.I(className="stroke", style={"height": f"{line_width(voltage)}px"}),
                f"{voltage:g} kV",
            ]
        )
        for voltage in voltages[:VOLTAGES]
    ]
    more = len(voltages) - VOLTAGES
    if more > 0:
        strokes.append(html.Span(f"and {more} lower"))
    if is_large(grid):
        strokes.append(html.Span(f"zoom in to see all {len(grid.nodes):,} nodes"))
    return strokes


def shown_models(
    grid: GridInfo | None, view: str | None, model: str, pair: str | None
) -> tuple[str, str | None]:
    """The models of the first and the second map; the second is None unless side by side."""
    models = pair_of(grid, pair)
    if view == BOTH and len(models) == 2:
        return models[0], models[1]
    return model, None
