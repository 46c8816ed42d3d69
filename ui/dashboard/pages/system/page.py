"""The system page: the workers, what they own, how they keep up, and the settings in force.

Its callbacks listen to ``slide`` too: workers report, or stop to report, while no data flows.
"""

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ui.dashboard.pages.system import panels
from ui.dashboard.panels.components import panel
from ui.dashboard.shell.header import aria
from ui.dashboard.shell.list_address import address_read, register_filters, register_order
from ui.dashboard.shell.page import Page
from ui.dashboard.shell.source import Source


def layout() -> Component:
    """The page, without values; panels have fixed sizes and scroll inside."""
    return html.Div(
        [
            address_read("system"),
            dcc.Store(id="system-mark"),
            panels.system_cards(),
            html.Section(
                [
                    panel(
                        "Workers",
                        "every two seconds; duplicates and dead letters since its start",
                        _scrolling("system-workers-table", "Workers"),
                        "system-workers-panel",
                    ),
                    panel(
                        "Partitions",
                        "● owns it · lag: records of the topic that are not finished",
                        _scrolling("system-partitions", "Partitions"),
                        "system-partitions-panel",
                    ),
                    panel(
                        "Settings in force",
                        dmc.TextInput(
                            id="system-search",
                            value="",
                            placeholder="Search name, value or meaning",
                            debounce=200,
                            size="xs",
                            className="system-search",
                            **{"aria-label": "Search the settings"},
                        ),
                        panels.settings_table(),
                        "system-settings-panel",
                    ),
                ],
                className="system-panels",
            ),
        ],
        className="system",
    )


def _scrolling(name: str, label: str) -> html.Div:
    # Focusable, so that the arrow keys scroll it: there is nothing else to focus inside.
    return html.Div(
        html.Div("Nothing is known of the workers yet.", className="help"),
        id=name,
        className="fill scroll",
        role="region",
        tabIndex=0,
        **aria(label=label),
    )


def register(app: Dash, source: Source) -> None:
    """Add the page's callbacks."""

    @app.callback(
        [
            *(
                target
                for name in panels.CARDS
                for target in (
                    Output(f"system-{name}", "children"),
                    Output(f"system-{name}-detail", "children"),
                )
            ),
            Output("system-workers-table", "children"),
            Output("system-partitions", "children"),
        ],
        Input("news", "data"),
        Input("slide", "data"),
    )
    def workers(_news: object, _slide: int | None) -> list[Any]:
        system = source.system()
        if system is None:
            return [no_update] * (2 * len(panels.CARDS) + 2)
        grid = source.snapshot().grid
        values = panels.card_values(system)
        return [
            *(text for name in panels.CARDS for text in (values[name].value, values[name].detail)),
            panels.worker_table(system),
            panels.partition_tables(system, grid.settings.partitions if grid else 0),
        ]


def register_settings(app: Dash, source: Source, meanings: Mapping[str, str]) -> None:
    """Add the callbacks of the table of settings; ``meanings`` by the variable's name."""

    @app.callback(
        Output("system-settings", "rowData"),
        Output("system-mark", "data"),
        Input("news", "data"),
        Input("slide", "data"),
        State("system-mark", "data"),
    )
    def settings(_news: object, _slide: int | None, mark: dict[str, str] | None) -> Any:
        system = source.system()
        if system is None or system.settings == mark:
            return no_update, no_update
        return panels.setting_rows(system.settings, meanings), system.settings

    register_filters(app, "system", ["search"])
    register_order(app, "system-settings")

    @app.callback(Output("system-settings", "dashGridOptions"), Input("system-search", "value"))
    def search(text: str | None) -> dict[str, Any]:
        return {**panels.SETTING_OPTIONS, "quickFilterText": text or ""}


SYSTEM = Page("/system", "System", layout, register, switch_off="The workers compute all models.")
