"""The open alarms, worst first: what the node's panel shows before a node is chosen."""

from itertools import takewhile
from typing import Any, cast

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from topology.clock import from_iso, to_iso
from topology.messages import LEVELS
from ui.client.snapshot import Snapshot
from ui.client.strips import Strip
from ui.dashboard.pages.overview.zones import chosen
from ui.dashboard.shell.source import Source
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import Loading, loads_of, names_of
from ui.dashboard.style.theme import LEVEL_INK, LEVEL_LETTERS
from ui.schema.views import Alert

SHOWN = 12


def open_alarms_place() -> Component:
    """The empty list, ``open-alarms``."""
    return html.Div(id="open-alarms", className="open-alarms")


def register(app: Dash, source: Source) -> None:
    """Add the list's callback."""

    @app.callback(
        Output("open-alarms", "children"),
        Input("news", "data"),
        Input("model", "value"),
        Input("zone", "value"),
    )
    def alarms(_news: object, model: str, zone: str | None) -> Any:
        return open_alarms(source.snapshot(), model, chosen(zone), source.strip(model))


def open_alarms(
    snapshot: Snapshot, model: str, zone: str, strip: Strip | None = None
) -> list[Component]:
    """A row an open alarm of a model, of one zone if it is named; nothing without values.

    If none is open, the run's last peak, as far as its ``strip`` is known.
    """
    grid, view = snapshot.grid, snapshot.view(model)
    if grid is None or view is None:
        return []
    zones, names = {node.id: node.zone for node in grid.nodes}, names_of(grid)
    state = view.state
    found = sorted(
        (
            (LEVELS.index(level), risk, node)
            for node, risk, level in zip(state.nodes, state.risk, state.level, strict=True)
            if level and zone in ("", zones.get(node))
        ),
        reverse=True,
    )
    if not found:
        words = [
            "No alarm is open.",
            last_peak(strip, grid.settings.levels["WARNING"], state.event_time),
        ]
        return [html.P(" ".join(words), className="muted")]
    loads, last = loads_of(grid, state), _raised(view.alerts)
    rows = [
        _row(LEVELS[level], node, names, loads.get(node), last.get(node))
        for level, _, node in found[:SHOWN]
    ]
    more = len(found) - SHOWN
    if more > 0:
        rows.append(html.P(f"and {more:,} more", className="muted"))
    return [html.H3("Open alarms, the highest first"), *rows]


def last_peak(strip: Strip | None, warning: float, event_time: str | None) -> str:
    """The highest risk of the last stretch of windows at ``warning`` or above, in words."""
    if strip is None or event_time is None:
        return ""
    now_s = from_iso(event_time)
    times = zip(strip.ends_s, strip.risk, strict=True)
    before = [(end_s, risk) for end_s, risk in times if end_s <= now_s]
    while before and before[-1][1] < warning:
        before.pop()
    stretch = takewhile(lambda window: window[1] >= warning, reversed(before))
    end_s, risk = max(stretch, key=lambda window: window[1], default=(0.0, 0.0))
    if not risk:
        return "None has been in this run so far."
    return f"The last peak was {formatting.score(risk)} on {formatting.short_time(to_iso(end_s))}."


def _raised(alerts: tuple[Alert, ...]) -> dict[str, Alert]:
    """The newest raise of each node, of the alerts of a day, newest first."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        if alert.state == "RAISED":
            found.setdefault(alert.node_id, alert)
    return found


def _row(
    level: str, node: str, names: dict[str, str], load: Loading | None, raised: Alert | None
) -> Component:
    words, about = [], cast("Any", {"data-node": node})
    if load is not None:
        words.append(f"{formatting.load(load.mw)}, {formatting.percent(load.part)} of rating")
    if raised is not None:
        words.append(f"since {formatting.short_time(raised.timestamp)}")
    return html.Div(
        [
            html.Span(
                LEVEL_LETTERS[level],
                className="open-level",
                style={"color": LEVEL_INK[level]},
                title=level,
            ),
            # Not known to callbacks: they would be asked about it whenever the list changes.
            html.Button(
                names.get(node, node),
                className="node-button",
                type="button",
                **about,
            ),
            html.Span(" · ".join(words), className="muted"),
        ],
        className="open-row",
    )
