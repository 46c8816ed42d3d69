"""Which two sides are compared: two models of the run shown, or that run and another one.

The address holds it: ``?with=`` the second run, ``?each=`` the model of each, ``?show=`` what the
second map is.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any
from urllib.parse import parse_qs

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from topology.models import short_title_of
from ui.client.snapshot import Snapshot
from ui.dashboard.shell.run_select import SHOWN
from ui.dashboard.shell.source import Source
from ui.dashboard.style.grid_facts import models_of
from ui.schema.grid import GridInfo

MODELS = "*"
"""The choice of two models of one run."""
SECOND, DIFFERENCE = "second", "difference"


def side_choice() -> Component:
    """The line above the page: ``compare-with`` is the second run, ``compare-each`` the models."""
    run: Component = dmc.Select(
        id="compare-with",
        data=with_options(Snapshot(), None),
        value=None,
        size="xs",
        allowDeselect=False,
        searchable=True,
        w=300,
        maxDropdownHeight=340,
        **{"aria-label": "Compared with"},
    )
    models: Component = dmc.Select(
        id="compare-each",
        data=[],
        value=None,
        size="xs",
        allowDeselect=False,
        w=210,
        **{"aria-label": "Model of each run"},
    )
    return html.Div(
        [
            html.Span("Compared with", className="muted"),
            run,
            html.Span(models, id="compare-each-box", className="hidden"),
            html.Span(id="compare-then", className="muted", role="status"),
            html.Span("Second map", className="muted compare-second-map"),
            _map_choice(),
        ],
        className="compare-choice",
    )


def _map_choice() -> Component:
    """What the second map shows: the second side, or its difference from the first."""
    control: Component = dmc.SegmentedControl(
        id="compare-show",
        data=[
            {"value": SECOND, "label": "Risk"},
            {"value": DIFFERENCE, "label": "Difference"},
        ],
        value=SECOND,
        size="xs",
        **{"aria-label": "Second map"},
    )
    return control


def register_sides(app: Dash, source: Source) -> None:
    """Add the choosers' callbacks; ``compare-sides`` is what they come to."""

    @app.callback(
        Output("compare-with", "data"),
        Output("compare-each", "data"),
        Input("news", "data"),
        Input("url", "search"),
        State("compare-with", "data"),
        State("compare-each", "data"),
    )
    def choices(_news: object, search: str | None, runs: Any, models: Any) -> Any:
        snapshot = source.snapshot()
        asked = parse_qs((search or "").removeprefix("?")).get("with", [""])[0]
        found = with_options(snapshot, asked), each_options(snapshot.grid)
        return [
            no_update if new == shown else new
            for new, shown in zip(found, (runs, models), strict=True)
        ]

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressPairs", "sides"),
        Output("compare-with", "value"),
        Output("compare-each", "value"),
        Output("compare-show", "value"),
        Output("compare-sides", "data"),
        Output("compare-each-box", "className"),
        Input("compare-with", "value"),
        Input("compare-each", "value"),
        Input("compare-show", "value"),
        Input("compare-each", "data"),
        Input("pair", "value"),
        Input("url", "search"),
        State("compare-sides", "data"),
    )


def with_options(snapshot: Snapshot, chosen: str | None) -> list[dict[str, str]]:
    """The choices: two models of the run shown, or another run, the newest first."""
    shown = snapshot.run.run if snapshot.run else None
    others = [run.run for run in snapshot.runs if run.run != shown][:SHOWN]
    options = [{"value": MODELS, "label": "another model of this run"}]
    options += [{"value": run, "label": f"run {run}"} for run in others]
    if chosen and chosen not in others:
        options.append({"value": chosen, "label": f"run {chosen}"})
    return options


def each_options(grid: GridInfo | None) -> list[dict[str, str]]:
    """The models of both runs: first the same in both; none before the grid is known."""
    models: Sequence[str] = models_of(grid) if grid else ()
    pairs = sorted(product(models, models), key=lambda pair: pair[0] != pair[1])
    return [
        {"value": f"{one},{other}", "label": f"{short_title_of(one)} · {short_title_of(other)}"}
        for one, other in pairs
    ]
