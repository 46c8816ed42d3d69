"""The overview page: figures, map, ranking, timeline, one node."""

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.map import line_width, waiting_figure
from ui.dashboard.overview_callbacks import register
from ui.dashboard.page import Page
from ui.dashboard.panels.detail import detail_panel
from ui.dashboard.panels.kpis import kpi_cards
from ui.dashboard.panels.top import top_table

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
            dcc.Store(id="drawn"),
            kpi_cards(),
            html.Section(
                [
                    _panel(
                        "Grid",
                        html.Span(_map_legend(), className="legend"),
                        dcc.Graph(
                            id="map",
                            figure=waiting_figure("waiting for a worker…"),
                            config=MAP_CONFIG,
                            responsive=True,
                            className="fill",
                        ),
                        "map-panel",
                    ),
                    _panel("Highest risk", "top 10 nodes", top_table(), "top-panel"),
                    _panel(
                        "Alert timeline",
                        html.Span(id="timeline-note"),
                        html.Div(
                            [
                                dcc.Graph(
                                    id="timeline",
                                    config=PLAIN_CONFIG,
                                    responsive=True,
                                    className="fill",
                                ),
                                html.Div(id="timeline-empty", className="empty"),
                            ],
                            className="fill",
                        ),
                        "timeline-panel",
                    ),
                    _panel("Node", "", detail_panel(), "node-panel"),
                ],
                className="panels",
            ),
        ],
        className="overview",
    )


def _panel(title: str, note: Component | str, body: Component, css: str) -> html.Div:
    head = html.Div([html.H2(title), html.Div(note, className="note")], className="panel-head")
    return html.Div([head, html.Div(body, className="panel-body")], className=f"card panel {css}")


def _map_legend() -> list[Component]:
    return [
        html.Span(["colour and size: risk"]),
        html.Span([html.B("W H C"), " open alarm: warning, high, critical"]),
        html.Span([_stroke(380), "380 kV"]),
        html.Span([_stroke(220), "220 kV"]),
    ]


def _stroke(voltage_kv: float) -> html.I:
    return html.I(className="stroke", style={"height": f"{line_width(voltage_kv)}px"})


OVERVIEW = Page("/", "Overview", layout, register)
