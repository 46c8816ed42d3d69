"""The overview's maps: one, or two that are zoomed together. They are patched, never redrawn."""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from ui.dashboard.figures.map import line_width
from ui.dashboard.figures.map_updates import map_update
from ui.dashboard.panels import detail as panel
from ui.dashboard.shell.header import BOTH
from ui.dashboard.shell.model_pair import pair_of
from ui.dashboard.shell.source import Source
from ui.dashboard.style.grid_facts import grid_mark
from ui.schema.grid import GridInfo

VOLTAGES = 4
"""Voltages that the legend shows."""


def register(app: Dash, source: Source) -> None:
    """Add the maps' callbacks."""

    @app.callback(
        Output("map", "figure"),
        Output("drawn", "data"),
        Input("news", "data"),
        Input("model", "value"),
        Input("view", "value"),
        Input("pair", "value"),
        Input("pick", "value"),
        Input("scheme", "computedColorScheme"),
        State("drawn", "data"),
    )
    def draw(
        _news: object,
        model: str,
        view: str | None,
        pair: str | None,
        picked: str | None,
        scheme: str | None,
        drawn: int | None,
    ) -> Any:
        snapshot = source.snapshot()
        first, _ = shown_models(snapshot.grid, view, model, pair)
        return map_update(snapshot, first, picked, drawn, scheme)

    @app.callback(
        Output("map-second", "figure"),
        Output("drawn-second", "data"),
        Input("news", "data"),
        Input("view", "value"),
        Input("pair", "value"),
        Input("pick", "value"),
        Input("scheme", "computedColorScheme"),
        State("model", "value"),
        State("drawn-second", "data"),
    )
    def draw_second(
        _news: object,
        view: str | None,
        pair: str | None,
        picked: str | None,
        scheme: str | None,
        model: str,
        drawn: int | None,
    ) -> Any:
        snapshot = source.snapshot()
        _, second = shown_models(snapshot.grid, view, model, pair)
        if second is None:
            return no_update, no_update
        return map_update(snapshot, second, picked, drawn, scheme)

    # Not hung on what is drawn: the choices bring the selection that the address names, and Dash
    # does not draw again what it finds at the beginning of its own chain.
    @app.callback(
        Output("pick", "data"),
        Output("map-voltages", "children"),
        Output("choices", "data"),
        Input("news", "data"),
        State("choices", "data"),
    )
    def options(_news: object, known: int | None) -> Any:
        grid = source.snapshot().grid
        mark = grid_mark(grid)
        if grid is None or mark == known:
            return (no_update,) * 3
        return panel.node_options(grid), voltage_legend(grid), mark

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "linkZoom"),
        Output("linked", "data"),
        Input("map", "relayoutData"),
        Input("map-second", "relayoutData"),
        prevent_initial_call=True,
    )


def voltage_legend(grid: GridInfo) -> list[Component]:
    """The strokes of the grid's highest voltages; how many more there are stands behind them."""
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
    return [*strokes, html.Span(f"and {more} lower")] if more > 0 else strokes


def shown_models(
    grid: GridInfo | None, view: str | None, model: str, pair: str | None
) -> tuple[str, str | None]:
    """The models of the first and the second map; the second is None unless side by side."""
    models = pair_of(grid, pair)
    if view == BOTH and len(models) == 2:
        return models[0], models[1]
    return model, None
