"""The ranking: the nodes with the highest risk."""

from heapq import nsmallest
from typing import Any

import dash_ag_grid as dag
from dash.development.base_component import Component

from ui.client.snapshot import Snapshot
from ui.dashboard.panels.components import LEAVE
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import Loading, loads_of
from ui.dashboard.style.theme import DARK, LIGHT, scale_colour
from ui.schema.grid import GridNode

SIZES = [{"value": size, "label": size} for size in ("5", "10", "20")]
"""How many nodes the ranking may show."""

COLUMNS: list[dict[str, Any]] = [
    {"field": "name", "headerName": "Node", "flex": 1, "minWidth": 96, "tooltipField": "place"},
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
        "field": "load",
        "headerName": "Load",
        "headerTooltip": "In the last hour",
        "width": 78,
        "type": "rightAligned",
    },
    {
        "field": "loading",
        "headerName": "of rating",
        "headerTooltip": "Load as a part of the node's rating; stress begins at "
        "GRIDSTRESS_STRESS_THRESHOLD",
        "width": 80,
        "type": "rightAligned",
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
            "localeText": {"noRowsToShow": "No data yet."},
        },
        className="ag-theme-quartz top-table",
        style={"height": "100%", "width": "100%"},
    )
    return table


def top_rows(
    snapshot: Snapshot, model: str | None, size: int, selected: str | None = None, zone: str = ""
) -> list[dict[str, Any]]:
    """The rows, with a colour for each scheme: by risk, and among those without it by load.

    Only nodes of ``zone``, if one is named.
    """
    view, grid = snapshot.view(model), snapshot.grid
    if view is None or grid is None or view.state.run is None:
        return []
    state, loads = view.state, loads_of(grid, view.state)
    nodes = {node.id: node for node in grid.nodes if zone in ("", node.zone)}
    changes = {node.node_id: node.change for node in view.top}

    def order(i: int) -> tuple[float, float]:
        known = loads.get(state.nodes[i])
        return -state.risk[i], -known.part if known else 0.0

    places = [i for i, node in enumerate(state.nodes) if node in nodes]
    return [
        _row(
            nodes[state.nodes[i]],
            state.risk[i],
            state.level[i],
            loads.get(state.nodes[i]),
            changes.get(state.nodes[i]),
            picked=state.nodes[i] == selected,
        )
        for i in nsmallest(size, places, key=order)
    ]


def _row(
    node: GridNode,
    risk: float,
    level: str,
    load: Loading | None,
    change: float | None,
    *,
    picked: bool,
) -> dict[str, Any]:
    return {
        "node_id": node.id,
        "name": node.name,
        "place": f"{node.name}, zone {node.zone}",
        "risk": formatting.score(risk),
        "part": round(risk, 3),
        "light": scale_colour(risk, LIGHT.scale),
        "dark": scale_colour(risk, DARK.scale),
        "load": formatting.load(load and load.mw),
        "loading": formatting.percent(load and load.part),
        "change": formatting.change(change),
        "level": level or formatting.DASH,
        "picked": picked,
    }
