"""The overview page: figures, one map or two, ranking, timeline, one node."""

from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.map import waiting_figure
from ui.dashboard.pages.overview.callbacks import register
from ui.dashboard.pages.overview.kpis import kpi_cards
from ui.dashboard.pages.overview.open_alarms import open_alarms_place
from ui.dashboard.pages.overview.top import SIZES, top_table
from ui.dashboard.pages.overview.zones import zone_switch
from ui.dashboard.panels.components import graph, map_graph, panel, switch
from ui.dashboard.panels.detail import detail_panel
from ui.dashboard.shell.page import Page

SPANS = [
    {"value": "day", "label": "24 h grid time"},
    {"value": "minutes", "label": "10 min"},
]


def layout() -> Component:
    """The page, without values; panels have fixed sizes, whatever they hold."""
    return html.Div(
        [
            *(
                dcc.Store(id=name)
                for name in (
                    "map-drawn",
                    "map-second-drawn",
                    "map-shared",
                    "map-followed",
                    "linked",
                    "address",
                )
            ),
            kpi_cards(),
            zone_switch(),
            html.Section(
                [
                    panel(
                        html.Span(id="map-title"),
                        html.Span(_map_legend(), className="legend"),
                        map_graph("map"),
                        "map-panel",
                    ),
                    panel(
                        html.Span(id="map-second-title"),
                        "colours and sizes as in the other map; both zoom together",
                        map_graph("map-second"),
                        "map-second-panel",
                    ),
                    panel(
                        "Highest risk, then load",
                        html.Span(id="top-model"),
                        top_table(),
                        "top-panel",
                        switch("top-size", "Nodes shown", SIZES, "10", "panel-switch"),
                    ),
                    panel(
                        "Alert timeline",
                        html.Span([html.Span(id="timeline-model"), html.Span(id="timeline-note")]),
                        html.Div(
                            [
                                graph("timeline", waiting_figure("")),
                                html.Div(id="timeline-empty", className="empty"),
                            ],
                            className="fill",
                        ),
                        "timeline-panel",
                        switch("timeline-span", "Time shown", SPANS, "day", "panel-switch"),
                    ),
                    panel("Node", "", detail_panel(open_alarms_place()), "node-panel"),
                ],
                className="panels",
            ),
        ],
        id="overview",
        className="overview",
    )


def _map_legend() -> list[Component]:
    return [
        html.Span(["colour and size: risk"]),
        html.Span([html.B("W H C"), " open alarm: warning, high, critical"]),
        html.Span(id="map-voltages", className="legend"),
    ]


OVERVIEW = Page("/", "Overview", layout, register)
