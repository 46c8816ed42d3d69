"""The ranking: the nodes with the highest risk."""

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
from dash.development.base_component import Component

from ui.dashboard.panels.components import LEAVE
from ui.dashboard.style import formatting
from ui.dashboard.style.theme import DARK, LIGHT, scale_colour
from ui.schema.views import TopNode

SIZES = [{"value": size, "label": size} for size in ("5", "10", "20")]
"""How many nodes the ranking may show."""

COLUMNS: list[dict[str, Any]] = [
    {"field": "name", "headerName": "Node", "flex": 1, "minWidth": 96, "tooltipField": "name"},
    {"field": "zone", "headerName": "Zone", "flex": 0.55, "minWidth": 60, "maxWidth": 96},
    {
        "field": "risk",
        "headerName": "Risk",
        "headerTooltip": "Score from 0 to 1 in the window that is filling now; not a probability",
        "width": 62,
        "type": "rightAligned",
        "cellClass": "risk-bar",
        "cellStyle": {"function": "gridstress.riskBar(params)"},
    },
    {
        "field": "change",
        "headerName": "Change",
        "headerTooltip": "Against the last window that is final",
        "width": 68,
        "type": "rightAligned",
    },
    {
        "field": "level",
        "headerName": "Alarm",
        "headerTooltip": "Level of the open alarm",
        "width": 80,
    },
]


def top_table() -> Component:
    """The empty table, ``top``; a click on a row or Enter selects its node, the row's id."""
    table: Component = dag.AgGrid(
        id="top",
        columnDefs=COLUMNS,
        rowData=[],
        getRowId="params.data.node_id",
        defaultColDef={"sortable": False, "resizable": False, "suppressMovable": True},
        rowClassRules={"picked": "params.data.picked"},
        eventListeners={"cellKeyDown": ["gridstress.pick(params)"]},
        dashGridOptions={
            # Rows that glide every second are no calm sight.
            "animateRows": False,
            "rowHeight": 27,
            "headerHeight": 30,
            # Nothing sorts here, so only the rows are of use to the keyboard.
            "suppressHeaderFocus": True,
            "tabToNextCell": LEAVE,
            "tooltipShowDelay": 400,
            "localeText": {"noRowsToShow": "No node with a risk above 0."},
        },
        className="ag-theme-quartz top-table",
        style={"height": "100%", "width": "100%"},
    )
    return table


def top_rows(nodes: Sequence[TopNode], selected: str | None = None) -> list[dict[str, Any]]:
    """The rows, with a colour for each scheme; nodes without any risk are left out."""
    return [
        {
            "node_id": node.node_id,
            "name": node.name,
            "zone": node.zone,
            "risk": formatting.score(node.risk),
            "part": round(node.risk, 3),
            "light": scale_colour(node.risk, LIGHT.scale),
            "dark": scale_colour(node.risk, DARK.scale),
            "change": formatting.change(node.change),
            "level": node.level or formatting.DASH,
            "picked": node.node_id == selected,
        }
        for node in nodes
        if node.risk > 0
    ]
