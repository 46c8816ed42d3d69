"""The overview page: figures, one map or two, ranking, timeline, one node."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.map import line_width, waiting_figure
from ui.dashboard.overview_callbacks import register
from ui.dashboard.page import Page
from ui.dashboard.panels.detail import detail_panel
from ui.dashboard.panels.kpis import kpi_cards
from ui.dashboard.panels.top import SIZES, top_table

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
            *(dcc.Store(id=name) for name in ("drawn", "drawn-second", "linked", "address")),
            kpi_cards(),
            html.Section(
                [
                    _panel(
                        html.Span(id="map-title"),
                        html.Span(_map_legend(), className="legend"),
                        _map("map"),
                        "map-panel",
                    ),
                    _panel(
                        html.Span(id="map-second-title"),
                        "colours and sizes as in the other map; both zoom together",
                        _map("map-second"),
                        "map-second-panel",
                    ),
                    _panel(
                        "Highest risk",
                        html.Span(id="top-model"),
                        top_table(),
                        "top-panel",
                        _switch("top-size", [(k, k) for k in SIZES], "10", "Nodes shown"),
                    ),
                    _panel(
                        "Alert timeline",
                        html.Span([html.Span(id="timeline-model"), html.Span(id="timeline-note")]),
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
                        _switch(
                            "timeline-span",
                            [("minutes", "10 min"), ("day", "24 h grid time")],
                            "minutes",
                            "Time shown",
                        ),
                    ),
                    _panel("Node", "", detail_panel(), "node-panel"),
                ],
                className="panels",
            ),
        ],
        id="overview",
        className="overview",
    )


def _map(name: str) -> Component:
    graph: Component = dcc.Graph(
        id=name,
        figure=waiting_figure("waiting for a worker…"),
        config=MAP_CONFIG,
        responsive=True,
        className="fill",
    )
    return graph


def _switch(name: str, choices: list[tuple[str, str]], value: str, label: str) -> Component:
    switch: Component = dmc.SegmentedControl(
        id=name,
        data=[{"value": key, "label": text} for key, text in choices],
        value=value,
        size="xs",
        persistence=True,
        persistence_type="session",
        className="panel-switch",
        **{"aria-label": label},
    )
    return switch


def _panel(
    title: Component | str,
    note: Component | str,
    body: Component,
    css: str,
    tool: Component | None = None,
) -> html.Div:
    head = [html.H2(title), html.Div(note, className="note"), *([tool] if tool is not None else [])]
    return html.Div(
        [html.Div(head, className="panel-head"), html.Div(body, className="panel-body")],
        className=f"card panel {css}",
    )


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
