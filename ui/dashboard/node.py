"""The page of one node: ``/node/<id>?model=<model>`` holds all of it, so it can be shared."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.node_history import history_figure
from ui.dashboard.links import NODE_PATH
from ui.dashboard.node_callbacks import MODEL_PLACES, register
from ui.dashboard.page import Page

PANES_MEANING = (
    "Stress taken on in each step that still counts, in hours at full rating; times are UTC"
)
PLAIN_CONFIG: Any = {"displayModeBar": False, "displaylogo": False}


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
                    _panel(
                        "Risk, last 7 days of grid time",
                        html.Span(id="node-legend-history", className="node-legend"),
                        _graph("node-history"),
                        "node-history",
                    ),
                    *(
                        _panel(
                            html.Span(id=f"node-model-{place}"),
                            html.Span(id=f"node-stressed-{place}"),
                            _model_body(place),
                            f"node-model-{place}",
                        )
                        for place in MODEL_PLACES
                    ),
                    _panel(
                        html.Span("Stress step by step", title=PANES_MEANING),
                        html.Span(id="node-legend-panes", className="node-legend"),
                        html.Div(
                            [
                                _graph("node-panes"),
                                html.Div(id="node-panes-empty", className="node-panes-empty"),
                            ],
                            className="fill",
                        ),
                        "node-panes",
                    ),
                    _panel(
                        "Its alarms",
                        "both models, grid time",
                        html.Div(id="node-episodes", className="scrolls"),
                        "node-episodes",
                    ),
                    _panel(
                        "Its neighbours",
                        "with their risk now",
                        html.Div(id="node-neighbours", className="scrolls"),
                        "node-neighbours",
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


def _graph(name: str) -> Component:
    # Drawn empty at first: plotly's own empty figure is white, in the dark too.
    blank = history_figure({}, {})
    return dcc.Graph(id=name, figure=blank, config=PLAIN_CONFIG, responsive=True, className="fill")


def _panel(title: Component | str, note: Component | str, body: Component, css: str) -> html.Div:
    head = html.Div([html.H2(title), html.Div(note, className="note")], className="panel-head")
    return html.Div(
        [head, html.Div(body, className="panel-body")], className=f"card panel area-{css}"
    )


NODE = Page(NODE_PATH, "Node", layout, register, below=True)
