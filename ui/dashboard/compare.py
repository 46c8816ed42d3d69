"""The compare page: the two models over the same moments."""

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.compare_callbacks import register
from ui.dashboard.figures.map import waiting_figure
from ui.dashboard.page import Page
from ui.dashboard.panels.compare import compare_cards, only_table

MAP_CONFIG: Any = {
    "displaylogo": False,
    "scrollZoom": True,
    "displayModeBar": True,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
PLAIN_CONFIG: Any = {"displayModeBar": False, "displaylogo": False}


def layout() -> Component:
    """The page, without values; panels have fixed sizes, whatever they hold."""
    return html.Div(
        [
            dcc.Store(id="compare-drawn"),
            dcc.Store(id="compare-pick"),
            dcc.Store(id="compare-history-mark"),
            dcc.Store(id="compare-only-mark"),
            compare_cards(),
            html.Section(
                [
                    _panel(
                        html.Span("First model", id="compare-title-0"),
                        "W H C: open alarms",
                        _graph("compare-map-0", MAP_CONFIG),
                        "compare-map",
                    ),
                    _panel(
                        html.Span("Second model", id="compare-title-1"),
                        "the same moment",
                        _graph("compare-map-1", MAP_CONFIG),
                        "compare-map",
                    ),
                    _panel(
                        "Risk against risk",
                        "on the dotted line they agree",
                        html.Div(
                            [
                                html.Div(_graph("compare-scatter"), className="compare-plot"),
                                html.Div(_legend(), className="muted compare-legend"),
                                html.Div(
                                    id="compare-picked",
                                    className="compare-picked",
                                    role="status",
                                ),
                            ],
                            className="fill compare-column",
                        ),
                        "compare-scatter-panel",
                    ),
                ],
                className="compare-now",
            ),
            html.Section(
                [
                    _panel(
                        "Agreement over the run",
                        html.Span(id="compare-history-note"),
                        html.Div(
                            [
                                _graph("compare-history"),
                                html.Div(id="compare-history-empty", className="empty"),
                            ],
                            className="fill",
                        ),
                        "compare-history-panel",
                    ),
                    _panel(
                        "Alarms of one model alone",
                        html.Span(id="compare-only-note"),
                        only_table(),
                        "compare-only-panel",
                    ),
                ],
                className="compare-run",
            ),
        ],
        className="compare",
    )


def _graph(name: str, config: Any = None) -> dcc.Graph:
    return dcc.Graph(
        id=name,
        figure=waiting_figure(""),
        config=config or PLAIN_CONFIG,
        responsive=True,
        className="fill",
    )


def _panel(title: Component | str, note: Component | str, body: Component, css: str) -> html.Div:
    head = html.Div([html.H2(title), html.Div(note, className="note")], className="panel-head")
    return html.Div([head, html.Div(body, className="panel-body")], className=f"card panel {css}")


def _legend() -> list[Component]:
    return [
        html.Span("◆ alarm of both"),
        html.Span("▼ of the first only"),
        html.Span("▲ of the second only"),
        html.Span("○ none"),
    ]


COMPARE = Page("/compare", "Compare", layout, register)
