"""The zones: what alarms are open in each; one can be chosen, and filters the page."""

from collections import Counter
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from topology.messages import LEVELS
from ui.client.snapshot import Snapshot
from ui.dashboard.shell.header import aria
from ui.dashboard.shell.source import Source
from ui.dashboard.style import formatting
from ui.dashboard.style.theme import LEVEL_LETTERS

ALL = "*"
"""The choice of all zones."""


def zone_switch() -> Component:
    """The switch, ``zone``, with all zones chosen."""
    control: Component = html.Div(
        dmc.SegmentedControl(
            id="zone",
            data=[{"value": ALL, "label": "All zones"}],
            value=ALL,
            size="xs",
            **aria(label="Zone shown"),
        ),
        className="zones",
    )
    return control


def register(app: Dash, source: Source) -> None:
    """Add the switch's callbacks."""

    @app.callback(
        Output("zone", "data"),
        Input("news", "data"),
        Input("model", "value"),
        State("zone", "data"),
    )
    def choices(_news: object, model: str, known: Any) -> Any:
        found = zone_choices(source.snapshot(), model)
        return no_update if found == known else found

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "zoneOfAddress"),
        Output("zone", "value"),
        Input("zone", "data"),
        State("zone", "value"),
    )


def zone_choices(snapshot: Snapshot, model: str | None) -> list[dict[str, str]]:
    """All zones, then each with its open alarms, such as ``TenneT 1 C 2 H``."""
    everything = {"value": ALL, "label": "All zones"}
    grid, view = snapshot.grid, snapshot.view(model)
    if grid is None:
        return [everything]
    zones = {node.id: node.zone for node in grid.nodes}
    state = view.state if view else None
    levels = zip(state.nodes, state.level, strict=True) if state else ()
    opened = Counter((zones.get(node), level) for node, level in levels if level)
    return [
        everything,
        *({"value": zone, "label": _label(zone, opened)} for zone in grid.zones),
    ]


def chosen(zone: str | None) -> str:
    """The zone that a choice means; empty for all."""
    return "" if zone in (None, ALL) else str(zone)


def _label(zone: str, opened: Counter[tuple[str | None, str]]) -> str:
    counts = [
        f"{opened[zone, level]} {LEVEL_LETTERS[level]}"
        for level in reversed(LEVELS)
        if opened[zone, level]
    ]
    return f"{zone} {' '.join(counts) or formatting.DASH}"
