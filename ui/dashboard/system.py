"""The system page: the workers, what they own, how they keep up, and the settings in force."""

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.header import aria
from ui.dashboard.page import Page
from ui.dashboard.panels.system import settings_table, system_cards
from ui.dashboard.parts import panel
from ui.dashboard.system_callbacks import register


def layout() -> Component:
    """The page, without values; panels have fixed sizes and scroll inside."""
    return html.Div(
        [
            dcc.Store(id="system-mark"),
            system_cards(),
            html.Section(
                [
                    panel(
                        "Workers",
                        "each tells every two seconds how it is; counts are since its start",
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


SYSTEM = Page("/system", "System", layout, register, switch_off="The workers compute all models.")
