"""Parts that several pages are laid out with: panels, graphs, switches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.map import waiting_figure

MAP_CONFIG: Any = {
    "displaylogo": False,
    "scrollZoom": True,
    "displayModeBar": True,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
PLAIN_CONFIG: Any = {"displayModeBar": False, "displaylogo": False}
KEPT: dict[str, Any] = {"persistence": True, "persistence_type": "session"}
"""What a viewer has chosen outlives a reload of the page."""
LEAVE: dict[str, Any] = {"function": "gridstress.leave()"}
"""For a table's ``tabToNextCell``: Tab leaves it; arrow keys walk through its rows."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """What one card shows; ``trend`` the last minutes' values, oldest first."""

    value: str
    detail: str
    trend: Sequence[float] = ()


def panel(
    title: Component | str,
    note: Component | str,
    body: Component,
    css: str,
    tool: Component | None = None,
) -> html.Div:
    """A card with a heading, a note beside it, perhaps a switch, and a body that fills the rest."""
    head = [html.H2(title), html.Div(note, className="note"), *([tool] if tool is not None else [])]
    return html.Div(
        [html.Div(head, className="panel-head"), html.Div(body, className="panel-body")],
        className=f"card panel {css}",
    )


def switch(
    name: str, label: str, choices: Sequence[Mapping[str, str]], value: str, css: str = ""
) -> Component:
    """A choice that stays as it is while the browser's session lasts."""
    control: Component = dmc.SegmentedControl(
        id=name,
        data=choices,
        value=value,
        size="xs",
        **KEPT,
        className=css,
        **{"aria-label": label},
    )
    return control


def map_graph(name: str) -> Component:
    """A map that fills its panel, waiting for its first figure."""
    return graph(name, waiting_figure("waiting for a worker…"), MAP_CONFIG)


def graph(name: str, figure: Any, config: Any = PLAIN_CONFIG) -> Component:
    """A plot that fills its panel."""
    plot: Component = dcc.Graph(
        id=name, figure=figure, config=config, responsive=True, className="fill"
    )
    return plot
