"""The compare page's callbacks: each fills one panel, and sends nothing when nothing is new."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import plotly.graph_objects as go
from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, no_update

from topology.models import title_of
from ui.client.snapshot import Snapshot
from ui.dashboard.figures.map_nodes import FOREMOST, is_large
from ui.dashboard.figures.map_updates import moved_map, whole_map
from ui.dashboard.pages.compare import history_figure, scatter_figure
from ui.dashboard.pages.compare import panels as panel
from ui.dashboard.shell.list_address import register_order
from ui.dashboard.shell.model_pair import pair_of
from ui.dashboard.shell.source import Source
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import grid_mark, models_of, names_of
from ui.dashboard.style.theme import palette
from ui.schema.runs import History
from ui.schema.views import Compare, ModelFigures


def register(app: Dash, source: Source) -> None:
    """Add the page's callbacks."""
    _register_drawings(app, source)
    _register_now(app, source)
    _register_run(app, source)
    register_order(app, "compare-only")


def _register_drawings(app: Dash, source: Source) -> None:
    @app.callback(
        Output("compare-map-0", "figure"),
        Output("compare-map-1", "figure"),
        Output("compare-scatter", "figure"),
        Output("compare-title-0", "children"),
        Output("compare-title-1", "children"),
        Output("compare-shown", "children"),
        Output("compare-drawn", "data"),
        Input("grid", "data"),
        Input("pair", "value"),
        Input("scheme", "computedColorScheme"),
        State("news", "data"),
        State("compare-pick", "data"),
        State("compare-drawn", "data"),
    )
    def draw(
        _grid: int | None,
        pair: str | None,
        scheme: str | None,
        _news: object,
        picked: str | None,
        drawn: list[Any] | None,
    ) -> Any:
        snapshot = source.snapshot()
        models = pair_of(snapshot.grid, pair)
        if drawn == [grid_mark(snapshot.grid, scheme), *models]:
            return (no_update,) * 7
        return whole_drawings(snapshot, models, picked, scheme)

    @app.callback(
        Output("compare-map-0", "figure", allow_duplicate=True),
        Output("compare-map-1", "figure", allow_duplicate=True),
        Output("compare-scatter", "figure", allow_duplicate=True),
        Input("news", "data"),
        Input("compare-drawn", "data"),
        Input("compare-pick", "data"),
        State("scheme", "computedColorScheme"),
        prevent_initial_call=True,
    )
    def move(_news: object, drawn: list[Any] | None, picked: str | None, scheme: str | None) -> Any:
        return moved_drawings(source.snapshot(), picked, drawn, scheme)


def _register_now(app: Dash, source: Source) -> None:
    @app.callback(
        [
            target
            for name in panel.CARDS
            for target in (
                Output(f"compare-{name}", "children"),
                Output(f"compare-{name}-detail", "children"),
            )
        ],
        Input("news", "data"),
        Input("pair", "value"),
    )
    def cards(_news: object, pair: str | None) -> list[str]:
        models = pair_of(source.snapshot().grid, pair)
        two = len(models) == 2
        compare = source.compare(models) if two else None
        values = panel.card_values(compare, source.history(models) if two else None, models)
        return [text for name in panel.CARDS for text in (values[name].value, values[name].detail)]

    @app.callback(
        Output("compare", "className"),
        Output("compare-alone", "children"),
        Input("news", "data"),
    )
    def alone(_news: object) -> tuple[str, str]:
        words = panel.alone_words(models_of(source.snapshot().grid))
        return "compare alone" if words else "compare", words

    @app.callback(
        Output("compare-pick", "data"),
        Output("compare-map-0", "clickData"),
        Output("compare-map-1", "clickData"),
        Output("compare-scatter", "clickData"),
        Input("compare-map-0", "clickData"),
        Input("compare-map-1", "clickData"),
        Input("compare-scatter", "clickData"),
        prevent_initial_call=True,
    )
    def select(_first: Any, _second: Any, _scatter: Any) -> Any:
        # Clicks are emptied at once, or a second click on the same node would be no change.
        return node_of_click(ctx.triggered[0]["value"]) or no_update, None, None, None

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "linkZoom"),
        Output("compare-linked", "data"),
        Input("compare-map-0", "relayoutData"),
        Input("compare-map-1", "relayoutData"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("compare-picked", "children"),
        Input("compare-pick", "data"),
        Input("news", "data"),
        Input("pair", "value"),
    )
    def picked_words(picked: str | None, _news: object, pair: str | None) -> Any:
        snapshot = source.snapshot()
        models = pair_of(snapshot.grid, pair)
        name = names_of(snapshot.grid).get(picked or "", picked or "")
        return panel.picked_line(moment_of(snapshot, models), models, name, picked)


def _register_run(app: Dash, source: Source) -> None:
    @app.callback(
        Output("compare-history", "figure"),
        Output("compare-history-note", "children"),
        Output("compare-history-empty", "children"),
        Output("compare-history-mark", "data"),
        Input("news", "data"),
        # Older windows are compared while the page is open, also when nothing new comes.
        Input("slide", "data"),
        Input("pair", "value"),
        Input("scheme", "computedColorScheme"),
        State("compare-history-mark", "data"),
    )
    def history(
        _news: object,
        _slide: int | None,
        pair: str | None,
        scheme: str | None,
        mark: list[Any] | None,
    ) -> Any:
        models = pair_of(source.snapshot().grid, pair)
        found = source.history(models) if len(models) == 2 else None
        return history_update(found, models, mark, scheme)

    @app.callback(
        Output("compare-only", "rowData"),
        Output("compare-only-note", "children"),
        Output("compare-only-mark", "data"),
        Input("news", "data"),
        Input("pair", "value"),
        State("compare-only-mark", "data"),
    )
    def only(_news: object, pair: str | None, mark: int | None) -> Any:
        models = pair_of(source.snapshot().grid, pair)
        if len(models) < 2:
            return (no_update,) * 3
        found, episodes = source.history(models), source.episodes()
        rows = panel.only_rows(found, episodes.episodes if episodes else [])
        note = panel.only_note(found, models, len(rows))
        now = zlib.crc32(msgspec.json.encode([rows, note]))
        return (no_update,) * 3 if now == mark else (rows, note, now)


def whole_drawings(
    snapshot: Snapshot, models: Sequence[str], picked: str | None, scheme: str | None = None
) -> tuple[Any, ...]:
    """Both maps and the scatter, the maps' titles, which nodes the scatter has, and their mark."""
    grid = snapshot.grid
    if grid is None or len(models) < 2:
        return (no_update,) * 7
    maps = [whole_map(snapshot, model, picked, scheme)[0] for model in models]
    scatter = scatter_figure.scatter_figure(
        moment_of(snapshot, models), models, names_of(grid), picked, palette(scheme)
    )
    titles = [title_of(model) for model in models]
    shown = f"the {FOREMOST} nodes of highest risk" if is_large(grid) else ""
    return *maps, scatter, *titles, shown, [grid_mark(grid, scheme), *models]


def moved_drawings(
    snapshot: Snapshot, picked: str | None, drawn: list[Any] | None, scheme: str | None = None
) -> tuple[Any, ...]:
    """The new values of what is ``drawn``; nothing while that is of another grid."""
    grid = snapshot.grid
    mark, *models = drawn or [None]
    compare = moment_of(snapshot, models)
    if grid is None or compare is None or mark != grid_mark(grid, scheme):
        return (no_update,) * 3
    maps = [moved_map(snapshot, model, picked, mark, scheme) for model in models]
    patch = Patch()
    values = scatter_figure.scatter_values(compare, models, names_of(grid), palette(scheme))
    nodes = patch["data"][scatter_figure.NODES]
    nodes["x"], nodes["y"], nodes["hovertext"] = values["x"], values["y"], values["hover"]
    nodes["customdata"] = values["node"]
    nodes["marker"]["symbol"], nodes["marker"]["color"] = values["symbol"], values["colour"]
    ring = scatter_figure.picked_point(compare, models, picked)
    patch["data"][scatter_figure.PICKED].update(ring)
    return *maps, patch


def moment_of(snapshot: Snapshot, models: Sequence[str]) -> Compare | None:
    """The two models at the snapshot's moment, without the measures; None while one is missing.

    Taken from the snapshot, so that maps and scatter are always of one moment.
    """
    states = {model: view.state for model, view in snapshot.models.items()}
    if len(models) < 2 or any(model not in states for model in models):
        return None
    first = states[models[0]]
    figures = {
        model: ModelFigures(
            risk=states[model].risk,
            level=states[model].level,
            active_alarms=states[model].kpis.active_alarms.get("total", 0),
            average_risk=states[model].kpis.average_risk,
        )
        for model in models
    }
    return Compare(
        version=first.version,
        run=first.run,
        event_time=first.event_time,
        nodes=first.nodes,
        models=figures,
        top_k_overlap=None,
        rank_correlation=None,
    )


def history_update(
    history: History | None,
    models: Sequence[str],
    mark: list[Any] | None,
    scheme: str | None = None,
) -> tuple[go.Figure | Patch | Any, ...]:
    """The plot's figure or patch, its note, what to say when it is empty, and its mark.

    The mark names models, run, scheme, windows, the last one and how many are still to be
    compared: nothing is sent while it stays the same.
    """
    if history is None:
        return no_update, no_update, "no data yet", no_update
    points = history.points
    colours = palette(scheme)
    last = points[-1].window_end if points else ""
    now = [*models, history.run, colours.card, len(points), last, history.to_compare]
    if now == mark:
        return (no_update,) * 4
    note = formatting.plural(len(points), "final window")
    if history.to_compare:
        note += f", {history.to_compare:,} still to compare"
    empty = "" if points else "No window is final yet."
    # A plot that shows lines of this run already only gets new values.
    if not mark or mark[:-3] != now[:-3] or min(mark[-3], len(points)) < 2:
        figure = history_figure.history_figure(points, models, history.k, colours)
        return figure, note, empty, now
    patch = Patch()
    values = history_figure.history_values(points, models)
    for place, y in enumerate(values["ys"]):
        patch["data"][place].update({"x": values["x"], "y": y})
    patch["layout"]["yaxis"]["range"] = history_figure.agreement_range(values["ys"])
    return patch, note, empty, now


def node_of_click(click: Any) -> str | None:
    """The node that a click on a plot means, None for a click on something else."""
    node = click["points"][0].get("customdata") if click and click["points"] else None
    return str(node) if node else None
