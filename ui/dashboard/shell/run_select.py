"""The run selector in the header; the address holds the choice as ``?run=``."""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.development.base_component import Component

from ui.dashboard.shell.source import Source
from ui.schema.runs import RunInfo

NEWEST = "*"
"""The choice that follows the newest run, also when a new one starts."""
SHOWN = 50


def run_select() -> Component:
    """The chooser, hidden while there is one run; ``run-chosen`` takes the run or None."""
    select: Component = dmc.Select(
        id="run-pick",
        data=[],
        value=NEWEST,
        size="xs",
        allowDeselect=False,
        className="run-pick hidden",
        maxDropdownHeight=340,
        comboboxProps={"width": 300, "position": "bottom-end"},
        **{"aria-label": "Run shown"},
    )
    return select


def register_run_chooser(app: Dash, source: Source) -> None:
    """Add its callbacks."""

    @app.callback(
        Output("run-pick", "data"),
        Output("run-pick", "className"),
        Input("news", "data"),
        Input("run-chosen", "data"),
        State("run-pick", "data"),
    )
    def choices(_news: object, chosen: str | None, shown: list[Any] | None) -> tuple[Any, str]:
        runs = source.snapshot().runs
        options = run_options(runs, chosen)
        css = "run-pick" if chosen or len(runs) > 1 else "run-pick hidden"
        return (no_update if options == shown else options), css

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressRuns", "choose"),
        Output("run-chosen", "data"),
        Output("run-pick", "value"),
        Input("run-pick", "value"),
        Input("url", "pathname"),
        Input("url", "search"),
        State("run-chosen", "data"),
    )


def run_options(runs: Sequence[RunInfo], chosen: str | None) -> list[dict[str, str]]:
    """The choices: the newest, whichever that is, then each run, the newest first.

    A chosen run that is not known is one of them, or the chooser could not show it.
    """
    newest = f"Newest: {runs[0].run}" if runs else "Newest"
    options = [{"value": NEWEST, "label": newest}]
    options += [{"value": run.run, "label": f"{run.run}, {_state(run)}"} for run in runs[:SHOWN]]
    if chosen and all(option["value"] != chosen for option in options):
        options.append({"value": chosen, "label": f"{chosen}, not known"})
    return options


def _state(run: RunInfo) -> str:
    if run.archived:
        return "archived"
    return "ended" if run.ended else "going on"
