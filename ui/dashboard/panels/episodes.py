"""The table of alarm episodes: its columns, its rows, and what has changed between two of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import dash_ag_grid as dag
from dash.development.base_component import Component

from topology.messages import LEVELS
from topology.models import title_of
from ui.dashboard.panels.components import LEAVE
from ui.dashboard.shell.links import node_href
from ui.dashboard.shell.list_address import ORDER
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import Loading
from ui.schema.runs import Episode

Row = dict[str, Any]

TEXT_FILTER: dict[str, Any] = {
    "filter": "agTextColumnFilter",
    "filterParams": {"maxNumConditions": 8},
}

COLUMNS: list[dict[str, Any]] = [
    {
        "field": "level",
        "headerName": "Level",
        "headerTooltip": "The highest level the episode has reached",
        "width": 96,
        "comparator": {"function": "gridstressAlarms.byLevel"},
        "cellClass": "level-cell",
        "cellClassRules": {
            f"level-{level.lower()}": f"params.value === '{level}'" for level in LEVELS
        },
        **TEXT_FILTER,
    },
    {
        "field": "state",
        "headerName": "State",
        "headerTooltip": "Open until the risk has fallen below the clear level",
        "width": 108,
        "valueFormatter": {"function": "gridstressAlarms.state(params)"},
        "cellClassRules": {"state-open": "params.value === 'open'"},
        # Open ones first, of each the one raised last.
        "sort": "desc",
        "sortIndex": 0,
        **TEXT_FILTER,
    },
    {
        "field": "name",
        "headerName": "Node",
        "flex": 1,
        "minWidth": 132,
        "tooltipField": "name",
        "cellRenderer": "GridstressNodeLink",
        "filterValueGetter": {"function": "params.data.name + ' ' + params.data.node_id"},
        **TEXT_FILTER,
    },
    {"field": "zone", "headerName": "Zone", "width": 98, **TEXT_FILTER},
    {"field": "model", "headerName": "Model", "width": 144, **TEXT_FILTER},
    {
        "field": "raised_at",
        "headerName": "Raised",
        "headerTooltip": "Grid time, UTC",
        "width": 124,
        "sort": "desc",
        "sortIndex": 1,
        "valueFormatter": {"function": "params.data.raised"},
        "filter": "agNumberColumnFilter",
        "filterValueGetter": {"function": "params.data.raised_s"},
    },
    {
        "field": "cleared_at",
        "headerName": "Cleared",
        "headerTooltip": "Grid time, UTC",
        "width": 112,
        "valueFormatter": {"function": "params.data.cleared"},
    },
    {
        "field": "duration_s",
        "headerName": "Lasted",
        "headerTooltip": "Grid time from raise to clear; of an open one, so far",
        "width": 80,
        "type": "rightAligned",
        "valueFormatter": {"function": "params.data.lasted"},
    },
    {
        "field": "peak_risk",
        "headerName": "Peak risk",
        "headerTooltip": "The highest risk of its final windows: a score from 0 to 1, not a "
        "probability",
        "width": 92,
        "type": "rightAligned",
        "valueFormatter": {"function": "params.data.peak"},
        "cellStyle": {"function": "gridstressAlarms.bar(params)"},
    },
    {
        "field": "load_mw",
        "headerName": "Load now",
        "headerTooltip": "The node's load in the last hour and its part of the rating, while the "
        "episode is open",
        "width": 138,
        "type": "rightAligned",
        "valueFormatter": {"function": "params.data.load"},
    },
    {
        "field": "source",
        "headerName": "Mostly from",
        "headerTooltip": "The node whose stress made up most of it at the alert with the highest "
        "risk, with its share",
        "flex": 1,
        "minWidth": 140,
        "tooltipField": "sources",
    },
]

CSV_COLUMNS = (
    "episode_id", "model_id", "node_id", "name", "zone", "level", "state", "raised_at",
    "cleared_at", "duration_s", "peak_risk", "load_mw", "steps", "sources",
)  # fmt: skip
"""Fields of an exported row, in this order; times ISO-8601 UTC, durations in seconds."""

HIDDEN = [
    {"field": name, "headerName": name, "hide": True}
    for name in ("episode_id", "model_id", "node_id", "steps", "sources")
]


def episode_table() -> Component:
    """The empty table, ``alarms-table``; a row is opened with a click or with Enter."""
    open_row = ["gridstressAlarms.open(params)"]
    table: Component = dag.AgGrid(
        id="alarms-table",
        columnDefs=[*COLUMNS, *HIDDEN],
        rowData=[],
        getRowId="params.data.episode_id",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressMovable": True,
            "suppressHeaderMenuButton": True,
            "suppressHeaderFilterButton": True,
        },
        eventListeners={"rowClicked": open_row, "cellKeyDown": open_row, **ORDER},
        csvExportParams={
            "columnKeys": list(CSV_COLUMNS),
            "fileName": "gridstress-alarms.csv",
            "processCellCallback": {"function": "gridstressAlarms.csvCell(params)"},
            "processHeaderCallback": {"function": "gridstressAlarms.csvHeader(params)"},
        },
        dashGridOptions={
            "animateRows": False,
            "tabToNextCell": LEAVE,
            "rowHeight": 30,
            "headerHeight": 34,
            "tooltipShowDelay": 400,
            "suppressNoRowsOverlay": True,
            "enableCellTextSelection": True,
        },
        className="ag-theme-quartz alarms-table",
        style={"height": "100%", "width": "100%"},
    )
    return table


def episode_rows(
    episodes: Sequence[Episode],
    names: Mapping[str, str],
    loads: Mapping[str, Loading] = MappingProxyType({}),
) -> list[Row]:
    """One row an episode, with its numbers for sorting and export and its texts to be read.

    ``names`` are the nodes' names, ``loads`` their loads now, by id.
    """
    return [
        _row(episode, names, loads.get(episode.node_id) if episode.open else None)
        for episode in episodes
    ]


def row_changes(before: Mapping[str, Row], after: Mapping[str, Row]) -> dict[str, list[Row]]:
    """What turns the rows ``before`` into those ``after``, both by id, as a row transaction."""
    changes = {
        "add": [row for key, row in after.items() if key not in before],
        "update": [row for key, row in after.items() if key in before and before[key] != row],
        "remove": [{"episode_id": key} for key in before if key not in after],
    }
    return {kind: rows for kind, rows in changes.items() if rows}


def _row(episode: Episode, names: Mapping[str, str], load: Loading | None) -> Row:
    raised, cleared = formatting.parse(episode.raised_at), formatting.short_time(episode.cleared_at)
    shares = [(names.get(s.node_id, s.node_id), s.share) for s in episode.sources]
    return {
        "episode_id": episode.episode_id,
        "node_id": episode.node_id,
        "name": episode.name,
        "href": node_href(episode.node_id, episode.model),
        "zone": episode.zone,
        "model_id": episode.model,
        "model": title_of(episode.model),
        "level": episode.level,
        "state": "open" if episode.open else "cleared",
        "raised_at": episode.raised_at,
        "raised_s": raised.timestamp() if raised else 0.0,
        "raised": formatting.short_time(episode.raised_at),
        "cleared_at": episode.cleared_at,
        "cleared": formatting.DASH if episode.open else cleared,
        "duration_s": episode.duration_s,
        "lasted": lasted(episode.duration_s),
        "peak_risk": round(episode.peak_risk, 4),
        "peak": formatting.score(episode.peak_risk),
        "load_mw": load and round(load.mw, 1),
        "load": load_words(load),
        "steps": episode.steps,
        "source": f"{shares[0][0]} {shares[0][1]:.0%}" if shares else formatting.DASH,
        "sources": ", ".join(f"{name} {share:.0%}" for name, share in shares),
    }


def load_words(load: Loading | None) -> str:
    """A load such as ``690 MW · 99 %``."""
    if load is None:
        return formatting.DASH
    return f"{formatting.load(load.mw)} · {formatting.percent(load.part)}"


def lasted(seconds: float) -> str:
    """A length of time such as ``45 min``, ``11 h``, ``2 d 3 h``."""
    hours, days = int(seconds) // 3600, int(seconds) // 86_400
    if hours < 1:
        return f"{int(seconds) // 60} min"
    if days < 2:
        minutes = int(seconds) % 3600 // 60
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{days} d" + (f" {hours % 24} h" if hours % 24 else "")
