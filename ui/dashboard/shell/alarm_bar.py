"""The bar that is seen across a room when alarms are open; the window's title counts them."""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, html
from dash.development.base_component import Component

from topology.messages import LEVELS
from ui.client.snapshot import Snapshot
from ui.dashboard.shell.header import aria
from ui.dashboard.shell.source import Source
from ui.dashboard.style import formatting


def alarm_bar() -> Component:
    """The bar, without values."""
    bar: Component = html.Div(
        id="alarm-bar", className="alarm-bar", role="status", **aria(label="Open alarms")
    )
    return bar


def register_alarm_bar(app: Dash, source: Source) -> None:
    """Add its callbacks."""

    @app.callback(
        Output("alarm-bar", "children"),
        Output("alarm-bar", "className"),
        Output("alarm-bar", "title"),
        Input("news", "data"),
        Input("model", "value"),
    )
    def bar(_news: object, model: str) -> tuple[Any, str, str]:
        return bar_of(source.snapshot(), model)

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "title"),
        Output("root", "title"),
        Input("title", "data"),
        Input("alarm-bar", "title"),
    )


def bar_of(snapshot: Snapshot, model: str | None) -> tuple[Any, str, str]:
    """What the bar shows, its class by the worst level, and how many alarms are open, in words."""
    view = snapshot.view(model)
    if view is None or view.state.run is None:
        return "no data yet", "alarm-bar", ""
    counts = {level: view.state.kpis.active_alarms.get(level, 0) for level in reversed(LEVELS)}
    there = {level: count for level, count in counts.items() if count}
    if not there:
        return ["No open alarm", html.Small(_last(snapshot, model))], "alarm-bar", ""
    words = [html.Span([html.B(count), f" {level}"]) for level, count in there.items()]
    worst = next(iter(there))
    total = formatting.plural(sum(there.values()), "open alarm")
    return words, f"alarm-bar alarm-{worst.lower()}", total


def _last(snapshot: Snapshot, model: str | None) -> str:
    """When the last alarm of the last day was cleared."""
    view = snapshot.view(model)
    cleared = [a.timestamp for a in (view.alerts if view else ()) if a.state == "CLEARED"]
    return f"the last one was cleared {formatting.short_time(max(cleared))}" if cleared else ""
