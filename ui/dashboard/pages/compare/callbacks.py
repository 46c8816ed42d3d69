"""The compare page's callbacks: each fills one panel, and sends nothing when nothing is new."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import plotly.graph_objects as go
from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, no_update

from ui.dashboard.figures.map import waiting_figure
from ui.dashboard.figures.map_nodes import FOREMOST, Against, is_large
from ui.dashboard.figures.map_updates import moved_map, whole_map
from ui.dashboard.pages.compare import history_figure, scatter_figure
from ui.dashboard.pages.compare import panels as panel
from ui.dashboard.pages.compare.side_select import DIFFERENCE, register_sides
from ui.dashboard.pages.compare.sides import (
    Side,
    Sides,
    episodes_of,
    figures_of,
    history_of,
    shift_words,
    sides_of,
)
from ui.dashboard.shell.list_address import register_order
from ui.dashboard.shell.source import Source
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import grid_mark, loads_of, names_of
from ui.dashboard.style.theme import palette
from ui.schema.runs import History


def register(app: Dash, source: Source) -> None:
    """Add the page's callbacks."""
    register_sides(app, source)
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
        Input("compare-sides", "data"),
        Input("scheme", "computedColorScheme"),
        State("news", "data"),
        State("compare-pick", "data"),
        State("compare-drawn", "data"),
    )
    def draw(
        _grid: int | None,
        chosen: Any,
        scheme: str | None,
        _news: object,
        picked: str | None,
        drawn: list[Any] | None,
    ) -> Any:
        sides = sides_of(source, chosen)
        if drawn == mark_of(sides, chosen, scheme):
            return (no_update,) * 7
        return whole_drawings(sides, chosen, picked, scheme)

    @app.callback(
        Output("compare-map-0", "figure", allow_duplicate=True),
        Output("compare-map-1", "figure", allow_duplicate=True),
        Output("compare-scatter", "figure", allow_duplicate=True),
        Input("news", "data"),
        Input("compare-drawn", "data"),
        Input("compare-pick", "data"),
        State("compare-sides", "data"),
        State("scheme", "computedColorScheme"),
        prevent_initial_call=True,
    )
    def move(
        _news: object,
        drawn: list[Any] | None,
        picked: str | None,
        chosen: Any,
        scheme: str | None,
    ) -> Any:
        return moved_drawings(sides_of(source, chosen), chosen, picked, drawn, scheme)


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
        Input("compare-sides", "data"),
    )
    def cards(_news: object, chosen: Any) -> list[str]:
        sides = sides_of(source, chosen)
        values = panel.card_values(figures_of(source, sides), history_of(source, sides), sides.pair)
        return [text for name in panel.CARDS for text in (values[name].value, values[name].detail)]

    @app.callback(
        Output("compare", "className"),
        Output("compare-alone", "children"),
        Output("compare-then", "children"),
        Input("news", "data"),
        Input("compare-sides", "data"),
    )
    def alone(_news: object, chosen: Any) -> tuple[str, str, str]:
        sides = sides_of(source, chosen)
        css = "compare alone" if sides.refused else "compare"
        return css, sides.refused, shift_words(sides.beside)

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
        Input("compare-sides", "data"),
    )
    def picked_words(picked: str | None, _news: object, chosen: Any) -> Any:
        sides = sides_of(source, chosen)
        grid = source.snapshot().grid
        name = names_of(grid).get(picked or "", picked or "")
        loads = loads_of(grid, sides.pair[0].state if sides.pair else None)
        return panel.picked_line(sides.moment, sides.pair, name, picked, loads)


def _register_run(app: Dash, source: Source) -> None:
    @app.callback(
        Output("compare-history", "figure"),
        Output("compare-history-note", "children"),
        Output("compare-history-empty", "children"),
        Output("compare-history-mark", "data"),
        Input("news", "data"),
        # Older windows are compared while the page is open, also when nothing new comes.
        Input("slide", "data"),
        Input("compare-sides", "data"),
        Input("scheme", "computedColorScheme"),
        State("compare-history-mark", "data"),
    )
    def history(
        _news: object,
        _slide: int | None,
        chosen: Any,
        scheme: str | None,
        mark: list[Any] | None,
    ) -> Any:
        sides = sides_of(source, chosen)
        return history_update(history_of(source, sides), sides.pair, mark, scheme)

    @app.callback(
        Output("compare-only", "rowData"),
        Output("compare-only-note", "children"),
        Output("compare-only-mark", "data"),
        Input("news", "data"),
        Input("compare-sides", "data"),
        State("compare-only-mark", "data"),
    )
    def only(_news: object, chosen: Any, mark: int | None) -> Any:
        sides = sides_of(source, chosen)
        if len(sides.pair) < 2:
            return (no_update,) * 3
        found = history_of(source, sides)
        rows = panel.only_rows(found, sides.pair, episodes_of(source, sides))
        note = panel.only_note(found, sides.pair, len(rows))
        now = zlib.crc32(msgspec.json.encode([rows, note]))
        return (no_update,) * 3 if now == mark else (rows, note, now)


def mark_of(sides: Sides, chosen: Any, scheme: str | None) -> list[Any]:
    """What a browser has drawn, once it has drawn these."""
    grid = sides.pair[0].snapshot.grid if sides.pair else None
    return [grid_mark(grid, scheme), *sides.keys, shows_difference(chosen)]


def shows_difference(chosen: Any) -> bool:
    """Whether the second map is that of the difference."""
    return bool(chosen) and chosen.get("show") == DIFFERENCE


def whole_drawings(
    sides: Sides, chosen: Any, picked: str | None, scheme: str | None = None
) -> tuple[Any, ...]:
    """Both maps and the scatter, the maps' titles, which nodes the scatter has, and their mark."""
    grid = sides.pair[0].snapshot.grid if len(sides.pair) == 2 else None
    if grid is None:
        return (no_update,) * 7
    maps = [
        whole_map(side.snapshot, side.model, picked, scheme, against)[0]
        for side, against in _drawn(sides, chosen)
    ]
    scatter = scatter_figure.scatter_figure(
        sides.moment, sides.pair, names_of(grid), picked, palette(scheme)
    )
    first, second = sides.pair
    difference = f"{second.short} less {first.short.lower()}"
    titles = [first.title, difference if shows_difference(chosen) else second.title]
    shown = f"the {FOREMOST} nodes of highest risk" if is_large(grid) else ""
    return *maps, scatter, *titles, shown, mark_of(sides, chosen, scheme)


def moved_drawings(
    sides: Sides,
    chosen: Any,
    picked: str | None,
    drawn: list[Any] | None,
    scheme: str | None = None,
) -> tuple[Any, ...]:
    """The new values of what is ``drawn``; nothing while that is something else."""
    compare = sides.moment
    if not sides.pair or drawn != mark_of(sides, chosen, scheme):
        return (no_update,) * 3
    maps = [
        moved_map(side.snapshot, side.model, picked, drawn[0], scheme, against=against)
        for side, against in _drawn(sides, chosen)
    ]
    patch = Patch()
    names = names_of(sides.pair[0].snapshot.grid)
    values = scatter_figure.scatter_values(compare, sides.pair, names, palette(scheme))
    nodes = patch["data"][scatter_figure.NODES]
    nodes["x"], nodes["y"], nodes["hovertext"] = values["x"], values["y"], values["hover"]
    nodes["customdata"] = values["node"]
    nodes["marker"]["symbol"], nodes["marker"]["color"] = values["symbol"], values["colour"]
    ring = scatter_figure.picked_point(compare, sides.pair, picked)
    patch["data"][scatter_figure.PICKED].update(ring)
    return *maps, patch


def _drawn(sides: Sides, chosen: Any) -> list[tuple[Side, Against | None]]:
    """Each map's side, and what it is the difference from."""
    first, second = sides.pair
    return [(first, None), (second, Against(first.state) if shows_difference(chosen) else None)]


def history_update(
    history: History | None,
    pair: Sequence[Side],
    mark: list[Any] | None,
    scheme: str | None = None,
) -> tuple[go.Figure | Patch | Any, ...]:
    """The plot's figure or patch, its note, what to say when it is empty, and its mark.

    The mark names sides, run, scheme, windows, the last one and how many are still to be
    compared: nothing is sent while it stays the same.
    """
    if history is None:
        two_runs = any(side.run for side in pair)
        words = "nothing is archived yet of both runs" if two_runs else "no data yet"
        figure = waiting_figure("") if mark else no_update
        return figure, "", words, None if mark else no_update
    points = history.points
    colours = palette(scheme)
    last = points[-1].window_end if points else ""
    names = [side.name for side in pair]
    now = [
        *(side.key for side in pair),
        history.run,
        colours.card,
        len(points),
        last,
        history.to_compare,
    ]
    if now == mark:
        return (no_update,) * 4
    note = formatting.plural(len(points), "final window")
    if history.to_compare:
        note += f", {history.to_compare:,} still to compare"
    two_runs = history.beside is not None
    nothing = "Not both have had a final window yet." if two_runs else "No window is final yet."
    empty = "" if points else nothing
    # A plot that shows lines of this run already only gets new values.
    if not mark or mark[:-3] != now[:-3] or min(mark[-3], len(points)) < 2:
        figure = history_figure.history_figure(points, pair, history.k, colours)
        return figure, note, empty, now
    patch = Patch()
    values = history_figure.history_values(points, names)
    for place, y in enumerate(values["ys"]):
        patch["data"][place].update({"x": values["x"], "y": y})
    patch["layout"]["yaxis"]["range"] = history_figure.agreement_range(values["ys"])
    return patch, note, empty, now


def node_of_click(click: Any) -> str | None:
    """The node that a click on a plot means, None for a click on something else."""
    node = click["points"][0].get("customdata") if click and click["points"] else None
    return str(node) if node else None
