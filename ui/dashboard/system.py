"""The system page: the workers, what they own, how they keep up, and the settings in force."""

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.page import Page
from ui.dashboard.panels.system import settings_table, system_cards
from ui.dashboard.system_callbacks import register


def layout() -> Component:
    """The page, without values; panels have fixed sizes and scroll inside."""
    return html.Div(
        [
            dcc.Store(id="system-mark"),
            system_cards(),
            html.Section(
                [
                    _panel(
                        "Workers",
                        "each tells every two seconds how it is; counts are since its start",
                        html.Div(_waiting(), id="system-workers-table", className="fill scroll"),
                        "system-workers-panel",
                    ),
                    _panel(
                        "Partitions",
                        "● owns it · lag: records of the topic that are not finished",
                        html.Div(_waiting(), id="system-partitions", className="fill scroll"),
                        "system-partitions-panel",
                    ),
                    _panel(
                        "Settings in force",
                        dmc.TextInput(
                            id="system-search",
                            placeholder="Search name, value or meaning",
                            size="xs",
                            className="system-search",
                            **{"aria-label": "Search the settings"},
                        ),
                        settings_table(),
                        "system-settings-panel",
                    ),
                ],
                className="system-panels",
            ),
        ],
        className="system",
    )


def _waiting() -> html.Div:
    return html.Div("Nothing is known of the workers yet.", className="help")


def _panel(title: str, note: Component | str, body: Component, css: str) -> html.Div:
    head = html.Div([html.H2(title), html.Div(note, className="note")], className="panel-head")
    return html.Div([head, html.Div(body, className="panel-body")], className=f"card panel {css}")


SYSTEM = Page("/system", "System", layout, register)
