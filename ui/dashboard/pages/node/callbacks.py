"""The node page's callbacks: the address says which node, ``news`` when to fill it again."""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, Patch, State, no_update

from topology.models import MODELS, title_of
from ui.dashboard.pages.node import history_figure as figures
from ui.dashboard.pages.node import panels as panel
from ui.dashboard.panels.detail import node_options
from ui.dashboard.shell.links import node_of
from ui.dashboard.shell.source import Source
from ui.dashboard.style.grid_facts import grid_mark, names_of
from ui.dashboard.style.theme import LIGHT, Palette, palette
from ui.schema.grid import GridInfo

MODEL_PLACES = range(len(MODELS))
"""One for each model there can be; those of models that are not enabled stay empty and hidden."""


def register(app: Dash, source: Source) -> None:
    """Add the page's callbacks."""
    _register_head(app, source)
    _register_values(app, source)
    _register_figures(app, source)
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressNode", "pick"),
        Output("node-picked", "data"),
        Input("node-pick", "value"),
        State("node-id", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressNode", "address"),
        Output("node-address", "data"),
        Input("url", "search"),
        Input("view", "value"),
        Input("node-id", "data"),
        State("view", "data"),
    )


def _register_head(app: Dash, source: Source) -> None:
    @app.callback(
        Output("node-title", "children"),
        Output("node-onward", "children"),
        Output("node-unknown", "children"),
        Output("node-unknown", "className"),
        Output("node-body", "className"),
        Output("node-pick", "data"),
        Output("node-pick", "value"),
        Output("node-id", "data"),
        Output("node-known", "data"),
        Input("url", "pathname"),
        Input("news", "data"),
        State("node-known", "data"),
    )
    def head(pathname: str | None, _news: object, known: list[Any] | None) -> tuple[Any, ...]:
        grid, wanted = source.snapshot().grid, node_of(pathname)
        mark = [wanted, grid_mark(grid)]
        if mark == known:
            return (no_update,) * 9
        node = next((n for n in grid.nodes if n.id == wanted), None) if grid else None
        options = node_options(grid) if grid else []
        if node is None:
            unknown = panel.unknown_node(grid, wanted)
            css = ("card node-unknown", "node-panels hidden")
            return [], [], unknown, *css, options, None, None, mark
        css = ("card node-unknown hidden", "node-panels")
        title, onward = panel.node_title(node), panel.onward(node.id)
        return title, onward, [], *css, options, node.id, node.id, mark


def _register_values(app: Dash, source: Source) -> None:
    @app.callback(
        [
            Output(f"node-{part}-{place}", "children")
            for place in MODEL_PLACES
            for part in ("model", "stressed", "values", "sources")
        ]
        + [
            Output(f"node-{part}", "children")
            for part in ("episodes", "neighbours", "legend-history", "legend-panes")
        ],
        Input("node-id", "data"),
        Input("news", "data"),
        Input("model", "value"),
        Input("scheme", "computedColorScheme"),
    )
    def values(
        node_id: str | None, _news: object, stressed: str | None, scheme: str | None
    ) -> list[Any]:
        snapshot = source.snapshot()
        grid = snapshot.grid
        if node_id is None or grid is None:
            return [no_update] * (4 * len(MODEL_PLACES) + 4)
        names = names_of(grid)
        details = source.details(node_id, grid.models)
        parts: list[Any] = []
        for place in MODEL_PLACES:
            if place >= len(grid.models):
                parts += ["", "", [], []]
                continue
            model = grid.models[place]
            found = details.get(model)
            parts += [
                title_of(model),
                "chosen: thicker line" if found and model == stressed else "",
                panel.model_values(found, palette(scheme)),
                panel.source_links(found, names, model, node_id) if found else [],
            ]
        episodes = source.episodes()
        return [
            *parts,
            panel.episode_list(episodes.episodes if episodes else None, node_id),
            panel.neighbour_list(grid, snapshot, node_id),
            panel.legend(grid.models),
            panel.legend(grid.models),
        ]


def _register_figures(app: Dash, source: Source) -> None:
    @app.callback(
        Output("node-history", "figure"),
        Output("node-panes", "figure"),
        Output("node-panes-empty", "children"),
        Output("node-drawn", "data"),
        Input("node-id", "data"),
        Input("news", "data"),
        Input("model", "value"),
        Input("scheme", "computedColorScheme"),
        State("node-drawn", "data"),
    )
    def draw(
        node_id: str | None,
        _news: object,
        stressed: str | None,
        scheme: str | None,
        drawn: list[Any] | None,
    ) -> tuple[Any, ...]:
        grid = source.snapshot().grid
        if node_id is None or grid is None:
            return (no_update,) * 4
        return node_figures(source, grid, node_id, stressed, drawn, palette(scheme))


def node_figures(
    source: Source,
    grid: GridInfo,
    node_id: str,
    stressed: str | None,
    drawn: list[Any] | None,
    colours: Palette = LIGHT,
) -> tuple[Any, Any, Any, Any]:
    """Both figures, what to say where there are no bars, and their mark.

    The figures are patches when ``drawn`` is that mark already.
    """
    details = source.details(node_id, grid.models)
    if not details:
        return (no_update,) * 4
    run = next(iter(details.values())).run
    kept = any(pane.stress > 0 for found in details.values() for pane in found.panes)
    empty = "" if kept else "No stress in the steps that are still kept."
    mark = [node_id, run, list(details), grid_mark(grid), colours.card]
    if mark != drawn:
        history = figures.history_figure(details, grid.settings.levels, stressed, colours)
        return history, figures.panes_figure(details, colours), empty, mark
    history, panes = Patch(), Patch()
    lines, bars = figures.history_values(details), figures.panes_values(details)
    for place, model in enumerate(details):
        line = history["data"][place]
        line["x"], line["y"] = lines[model]["x"], lines[model]["y"]
        line["customdata"] = lines[model]["customdata"]
        line["line"]["width"] = figures.line_px(model, stressed)
        bar = panes["data"][place]
        bar["x"], bar["y"] = bars[model]["x"], bars[model]["y"]
    if week := figures.history_range(details):
        history["layout"]["xaxis"]["range"] = week
    return history, panes, empty, no_update
