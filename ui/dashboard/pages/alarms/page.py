"""The alarms page: every episode of the run, of all models, to filter, sort, open and export."""

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from topology.messages import LEVELS
from ui.dashboard.pages.alarms.callbacks import register
from ui.dashboard.pages.alarms.filters import EVERYTHING, STATES, TIMES, model_choices
from ui.dashboard.panels.components import KEPT, switch
from ui.dashboard.panels.episodes import episode_table
from ui.dashboard.shell.links import ALARMS_PATH
from ui.dashboard.shell.list_address import address_read
from ui.dashboard.shell.page import Page


def layout() -> Component:
    """The page, without values."""
    return html.Div(
        [
            address_read("alarms"),
            dcc.Store(id="alarms-shown"),
            dcc.Store(id="alarms-total"),
            html.Section(_filters(), className="card alarms-filters"),
            html.Section(
                [
                    html.Div(
                        [
                            html.H2("Alarm episodes"),
                            html.Div(id="alarms-count", className="note", role="status"),
                            html.Div(
                                "A click on a row, or Enter, opens its node.",
                                className="note alarms-hint",
                            ),
                        ],
                        className="panel-head",
                    ),
                    html.Div(
                        [
                            html.Div(episode_table(), className="fill"),
                            html.Div(id="alarms-empty", className="alarms-empty hidden"),
                        ],
                        className="panel-body",
                    ),
                ],
                className="card panel",
            ),
        ],
        className="alarms",
    )


def _filters() -> list[Component]:
    return [
        _field(
            "Level",
            dmc.ChipGroup(
                html.Div(
                    [
                        dmc.Chip(level, value=level, size="xs", variant="outline")
                        for level in reversed(LEVELS)
                    ],
                    className="chips",
                ),
                id="alarms-level",
                multiple=True,
                value=[],
                **KEPT,
            ),
        ),
        _field("State", switch("alarms-state", "State", STATES, EVERYTHING)),
        _field("Model", switch("alarms-by", "Model", model_choices(None), EVERYTHING)),
        _field(
            "Zone",
            dmc.Select(
                id="alarms-zone",
                data=[],
                placeholder="All",
                clearable=True,
                size="xs",
                w=128,
                **KEPT,
                **{"aria-label": "Zone"},
            ),
        ),
        _field(
            "Raised",
            dmc.Select(
                id="alarms-raised",
                data=[{"value": value, "label": label} for value, label in TIMES.items()],
                value=EVERYTHING,
                allowDeselect=False,
                size="xs",
                w=112,
                **KEPT,
                **{"aria-label": "When it was raised, in grid time"},
            ),
        ),
        _field(
            "Node",
            dmc.TextInput(
                id="alarms-node",
                value="",
                placeholder="Any",
                debounce=200,
                size="xs",
                w=128,
                **{"aria-label": "Part of a node's name"},
            ),
        ),
        html.Div(
            [
                html.Button("Reset", id="alarms-reset", className="tool-button", type="button"),
                html.Button(
                    "Export CSV",
                    id="alarms-export",
                    className="tool-button",
                    type="button",
                    title="The episodes that the filters leave, in the order shown",
                ),
            ],
            className="alarms-actions",
        ),
    ]


def _field(title: str, control: Component) -> html.Div:
    return html.Div([html.Span(title, className="muted"), control], className="alarms-field")


ALARMS = Page(
    ALARMS_PATH,
    "Alarms",
    layout,
    register,
    switch_off="The table holds the alarms of all models; its own filter can choose one.",
)
