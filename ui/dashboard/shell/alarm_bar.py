"""The bar that is seen across a room when alarms are open; the window's title counts them."""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, html
from dash.development.base_component import Component

from topology.clock import from_iso, to_iso
from topology.messages import LEVELS
from ui.client.snapshot import Snapshot
from ui.client.strips import Strip
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
        snapshot = source.snapshot()
        return bar_of(snapshot, model, source.strip(model))

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "title"),
        Output("root", "title"),
        Input("title", "data"),
        Input("alarm-bar", "title"),
    )


def bar_of(
    snapshot: Snapshot, model: str | None, strip: Strip | None = None
) -> tuple[Any, str, str]:
    """What the bar shows, its class by the worst level, and how many alarms are open, in words.

    ``strip`` is the run's, as far as it is known.
    """
    view = snapshot.view(model)
    if view is None or view.state.run is None:
        return "no data yet", "alarm-bar", ""
    counts = {level: view.state.kpis.active_alarms.get(level, 0) for level in reversed(LEVELS)}
    there = {level: count for level, count in counts.items() if count}
    if not there:
        return ["No open alarm", *_calm(snapshot, model, strip)], "alarm-bar", ""
    words = [html.Span([html.B(count), f" {level}"]) for level, count in there.items()]
    worst = next(iter(there))
    total = formatting.plural(sum(there.values()), "open alarm")
    return words, f"alarm-bar alarm-{worst.lower()}", total


def _calm(snapshot: Snapshot, model: str | None, strip: Strip | None) -> list[Component]:
    """Since when there was no alarm, and of a moment how to get to the next one."""
    view = snapshot.view(model)
    if view is None or view.state.event_time is None:
        return []
    now_s = from_iso(view.state.event_time)
    cleared = [from_iso(a.timestamp) for a in view.alerts if a.state == "CLEARED"]
    times = list(zip(strip.ends_s, strip.raised, strict=True)) if strip else []
    raised = [end_s for end_s, count in times if count and end_s <= now_s]
    parts: list[Component] = []
    if cleared:
        parts.append(html.Small(f"calm for {formatting.age(now_s - max(cleared))}"))
    elif raised:
        parts.append(
            html.Small(f"the last one was raised {formatting.short_time(to_iso(raised[-1]))}")
        )
    if snapshot.at and any(count for end_s, count in times if end_s > now_s):
        parts.append(html.Button("next alarm ▶", id="calm-next", className="tool-button"))
    return parts
