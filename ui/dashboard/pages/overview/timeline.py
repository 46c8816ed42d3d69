"""The overview's alert timeline, patched so that it moves on without being drawn anew."""

import time
from typing import Any

import plotly.graph_objects as go
from dash import Dash, Input, Output, Patch, State

from ui.client.snapshot import ALERTS, Snapshot
from ui.dashboard.figures.timeline import (
    GRID_DAY,
    MARKS,
    SPANS,
    VERBS,
    Span,
    time_axis,
    timeline_figure,
    timeline_points,
)
from ui.dashboard.pages.overview.zones import chosen
from ui.dashboard.shell.source import Source
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import names_of
from ui.dashboard.style.theme import palette


def register(app: Dash, source: Source) -> None:
    """Add the timeline's callback."""

    @app.callback(
        Output("timeline", "figure"),
        Output("timeline-note", "children"),
        Output("timeline-empty", "children"),
        Input("news", "data"),
        Input("slide", "data"),
        Input("model", "value"),
        Input("timeline-span", "value"),
        Input("zone", "value"),
        Input("scheme", "computedColorScheme"),
        State("timeline", "figure"),
    )
    def draw(
        _news: object,
        _slide: int | None,
        model: str,
        span: str | None,
        zone: str | None,
        scheme: str | None,
        figure: Any,
    ) -> Any:
        return timeline_update(
            source.snapshot(),
            model,
            time.time(),
            drawn=bool(figure and figure["data"]),
            span=SPANS.get(span or "", GRID_DAY),
            zone=chosen(zone),
            scheme=scheme,
        )


def timeline_update(
    snapshot: Snapshot,
    model: str | None,
    now: float,
    *,
    drawn: bool,
    span: Span = GRID_DAY,
    zone: str = "",
    scheme: str | None = None,
) -> tuple[go.Figure | Patch, str, str]:
    """The timeline's figure or patch, what it counts, and what to say when it is empty.

    Only of nodes of ``zone``, if one is named. ``now`` is wall-clock time; a span of grid time ends
    at the time in the data instead. A moment has no minutes of wall-clock time: it is shown with
    its day.
    """
    view = snapshot.view(model)
    span = GRID_DAY if snapshot.at else span
    alerts = view.alerts if view else ()
    if zone and snapshot.grid:
        inside = {node.id for node in snapshot.grid.nodes if node.zone == zone}
        alerts = tuple(alert for alert in alerts if alert.node_id in inside)
    if span.grid_time:
        moment = formatting.parse(view.state.event_time) if view else None
        now = moment.timestamp() if moment else now
    names, colours = names_of(snapshot.grid), palette(scheme)
    points = timeline_points(alerts, names, now, span, colours)
    shown = [alert.state for alert in alerts if span.covers(alert, now)]
    note = " · ".join(f"{MARKS[state]} {shown.count(state)} {VERBS[state]}" for state in VERBS)
    if view and len(view.alerts) >= ALERTS and span.covers(view.alerts[-1], now):
        note = f"newest {ALERTS:,} of the grid: {note}"
    empty = "" if points["x"] else f"No alarms in the {span.label}{zone and f' in {zone}'}."
    if not drawn:
        return timeline_figure(alerts, names, now, span, colours), note, empty
    figure = Patch()
    figure["layout"]["xaxis"].update(time_axis(now, span))
    trace = figure["data"][0]
    trace["x"], trace["y"], trace["customdata"] = points["x"], points["y"], points["node"]
    trace["hovertext"] = points["hover"]
    trace["marker"]["symbol"] = points["symbol"]
    trace["marker"]["color"] = points["colour"]
    return figure, note, empty
