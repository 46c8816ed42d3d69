"""The page of one node: ``/node/<id>?model=<model>`` holds all of it, so it can be shared."""

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.pages.node.callbacks import MODEL_PLACES, register
from ui.dashboard.pages.node.history_figure import history_figure
from ui.dashboard.panels.components import graph, panel
from ui.dashboard.panels.detail import CHOICES
from ui.dashboard.shell.links import NODE_PATH
from ui.dashboard.shell.page import Page

PANES_MEANING = (
    "Stress taken on in each step that still counts, in hours at full rating; times are UTC"
)


def layout() -> Component:
    """The page, without values; panels have fixed sizes, whatever they hold."""
    return html.Div(
        [
            dcc.Store(id="node-id"),
            dcc.Store(id="node-known"),
            dcc.Store(id="node-drawn"),
            dcc.Store(id="node-picked"),
            dcc.Store(id="node-address"),
            html.Section(
                [
                    html.Div(id="node-title", className="node-title"),
                    html.Div(id="node-onward", className="node-onward"),
                    dmc.Select(
                        id="node-pick",
                        data=[],
                        placeholder="Search a node…",
                        searchable=True,
                        limit=CHOICES,
                        nothingFoundMessage="No node of that name",
                        maxDropdownHeight=340,
                        size="xs",
                        w=220,
                        **{"aria-label": "Node shown"},
                    ),
                ],
                className="card node-head",
            ),
            html.Div(id="node-unknown", className="card node-unknown"),
            html.Section(
                [
                    panel(
                        "Risk, last 7 days of grid time",
                        html.Span(id="node-legend-history", className="node-legend"),
                        graph("node-history", history_figure({}, {})),
                        "area-node-history",
                    ),
                    html.Div(
                        [
                            panel(
                                html.Span(id=f"node-model-{place}"),
                                html.Span(id=f"node-stressed-{place}"),
                                _model_body(place),
                                "node-model",
                            )
                            for place in MODEL_PLACES
                        ],
                        className="area-node-models",
                    ),
                    panel(
                        html.Span("Stress step by step", title=PANES_MEANING),
                        html.Span(id="node-legend-panes", className="node-legend"),
                        html.Div(
                            [
                                graph("node-panes", history_figure({}, {})),
                                html.Div(id="node-panes-empty", className="node-panes-empty"),
                            ],
                            className="fill",
                        ),
                        "area-node-panes",
                    ),
                    panel(
                        "Its alarms",
                        "all models, grid time",
                        html.Div(id="node-episodes", className="scrolls"),
                        "area-node-episodes",
                    ),
                    panel(
                        "Its neighbours",
                        "with their risk now",
                        html.Div(id="node-neighbours", className="scrolls"),
                        "area-node-neighbours",
                    ),
                ],
                id="node-body",
                className="node-panels hidden",
            ),
        ],
        className="node-page",
    )


def _model_body(place: int) -> html.Div:
    return html.Div(
        [
            html.Div(id=f"node-values-{place}", className="node-values"),
            html.H3("Where its stress comes from"),
            html.Div(id=f"node-sources-{place}", className="node-sources"),
        ],
        className="scrolls",
    )


NODE = Page(NODE_PATH, "Node", layout, register, below=True)
