"""The overview page: figures, one map or two, ranking, timeline, one node."""

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.map import line_width, waiting_figure
from ui.dashboard.pages.overview.callbacks import register
from ui.dashboard.pages.overview.kpis import kpi_cards
from ui.dashboard.pages.overview.top import SIZES, top_table
from ui.dashboard.panels.components import graph, map_graph, panel
from ui.dashboard.panels.detail import detail_panel
from ui.dashboard.shell.page import Page


def layout() -> Component:
    """The page, without values; panels have fixed sizes, whatever they hold."""
    return html.Div(
        [
            *(
                dcc.Store(id=name)
                for name in ("drawn", "drawn-second", "choices", "linked", "address")
            ),
            kpi_cards(),
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
                        "Highest risk",
                        html.Span(id="top-model"),
                        top_table(),
                        "top-panel",
                        _switch("top-size", [(k, k) for k in SIZES], "10", "Nodes shown"),
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
                        _switch(
                            "timeline-span",
                            [("minutes", "10 min"), ("day", "24 h grid time")],
                            "minutes",
                            "Time shown",
                        ),
                    ),
                    panel("Node", "", detail_panel(), "node-panel"),
                ],
                className="panels",
            ),
        ],
        id="overview",
        className="overview",
    )


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
