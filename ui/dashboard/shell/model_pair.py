"""Which two models are compared: the first two, or chosen in the header and kept as ``?models=``.

There is something to choose only where there are three models or more.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from topology.models import short_title_of
from ui.dashboard.shell.source import Source
from ui.dashboard.style.grid_facts import models_of
from ui.schema.grid import GridInfo


def pair_select(grid: GridInfo | None) -> Component:
    """The chooser, hidden where there is nothing to choose; ``pair`` holds two names."""
    select: Component = dmc.Select(
        id="pair",
        data=pair_options(grid),
        size="xs",
        allowDeselect=False,
        w=182,
        **{"aria-label": "Models compared"},
    )
    return html.Div(select, id="pair-box", className="hidden")


def pairs(models: Sequence[str]) -> list[tuple[str, str]]:
    """Every two of the models, in their order."""
    return list(combinations(models, 2))


def pair_options(grid: GridInfo | None) -> list[dict[str, str]]:
    """The chooser's choices; none before the grid is known."""
    return [
        {"value": f"{one},{other}", "label": f"{short_title_of(one)} · {short_title_of(other)}"}
        for one, other in pairs(grid.models if grid else ())
    ]


def pair_of(grid: GridInfo | None, chosen: str | None) -> list[str]:
    """The models that are compared: those chosen, else the first two; fewer if there are fewer."""
    models = models_of(grid)
    names = (chosen or "").split(",")
    return names if tuple(names) in pairs(models) else models[:2]


def register_pairs(app: Dash, source: Source) -> None:
    """Add the chooser's callbacks."""

    # By the grid, not by the news: the maps wait for the pair, and would wait with all news.
    @app.callback(
        Output("pair", "data"),
        Input("grid", "data"),
        State("news", "data"),
        State("pair", "data"),
    )
    def choices(_grid: int | None, _news: object, shown: list[dict[str, str]]) -> Any:
        options = pair_options(source.snapshot().grid)
        return no_update if options == shown else options

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressPairs", "choose"),
        Output("pair", "value"),
        Input("pair", "value"),
        Input("pair", "data"),
        Input("url", "search"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressPairs", "address"),
        Output("pair-box", "className"),
        Input("pair", "value"),
        Input("pair", "data"),
        Input("url", "pathname"),
        Input("view", "value"),
    )
