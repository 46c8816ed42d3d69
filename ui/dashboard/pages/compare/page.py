"""The compare page: two models over the same moments, or two runs."""

from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.map import waiting_figure
from ui.dashboard.pages.compare.callbacks import register
from ui.dashboard.pages.compare.panels import compare_cards, only_table
from ui.dashboard.pages.compare.report_link import report_place
from ui.dashboard.pages.compare.side_select import side_choice
from ui.dashboard.panels.components import graph, map_graph, panel
from ui.dashboard.shell.page import Page


def layout() -> Component:
    """The page, without values; panels have fixed sizes, whatever they hold."""
    return html.Div(
        [
            dcc.Store(id="compare-sides"),
            dcc.Store(id="compare-drawn"),
            dcc.Store(id="compare-pick"),
            dcc.Store(id="compare-linked"),
            dcc.Store(id="compare-history-mark"),
            dcc.Store(id="compare-only-mark"),
            side_choice(),
            html.Div(id="compare-alone", className="card compare-alone", role="status"),
            compare_cards(),
            html.Section(
                [
                    panel(
                        html.Span("First model", id="compare-title-0"),
                        "W H C: open alarms",
                        map_graph("compare-map-0"),
                        "compare-map",
                    ),
                    panel(
                        html.Span("Second model", id="compare-title-1"),
                        "both zoom together",
                        map_graph("compare-map-1"),
                        "compare-map",
                    ),
                    panel(
                        "Risk against risk",
                        "on the dotted line they agree",
                        html.Div(
                            [
                                html.Div(
                                    graph("compare-scatter", waiting_figure("")),
                                    className="compare-plot",
                                ),
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
                    panel(
                        "Agreement over the run",
                        html.Span(id="compare-history-note"),
                        html.Div(
                            [
                                graph("compare-history", waiting_figure("")),
                                html.Div(id="compare-history-empty", className="empty"),
                            ],
                            className="fill",
                        ),
                        "compare-history-panel",
                        report_place(),
                    ),
                    panel(
                        "Alarms of one alone",
                        html.Span(id="compare-only-note"),
                        only_table(),
                        "compare-only-panel",
                    ),
                ],
                className="compare-run",
            ),
        ],
        id="compare",
        className="compare",
    )


def _legend() -> list[Component]:
    return [
        html.Span("◆ alarm of both"),
        html.Span("▼ of the first only"),
        html.Span("▲ of the second only"),
        html.Span("○ none"),
        html.Span(id="compare-shown"),
    ]


COMPARE = Page(
    "/compare",
    "Compare",
    layout,
    register,
    switch_off="This page shows two models, or two runs.",
    switch_label="Compared",
)
