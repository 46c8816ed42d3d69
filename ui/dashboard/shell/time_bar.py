"""The time bar at the foot of every page: the run at a glance, and the moment that is shown.

Everything that moves is drawn by ``time.js``; the server sends it the run's windows, those it has
got already left out. The moment is in the address as ``?at=``.
"""

from base64 import b64encode
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ui.client.poller import Poller
from ui.client.strips import Strip
from ui.dashboard.shell.header import aria
from ui.dashboard.shell.replay_panel import replay_panel

STORES = ("at", "strip-due", "strip-news", "strip-known", "strip-drawn")
SPEEDS = [
    {"value": "1", "label": "1 h/s"},
    {"value": "6", "label": "6 h/s"},
    {"value": "24", "label": "1 day/s"},
]
UNKNOWN = 255
"""In the strip, a window that is not there; 0 to 254 are risks from 0 to 1."""


def time_bar() -> Component:
    """The bar, without values."""
    bar: Component = html.Section(
        [
            *(dcc.Store(id=name) for name in STORES),
            replay_panel(),
            html.Div(
                [
                    _button("time-previous", "◀ alarm", "Go to the alarm before"),
                    _button(
                        "time-play", "Stay", "Stay at this moment", css="time-play", disabled=True
                    ),
                    dmc.SegmentedControl(
                        id="time-speed",
                        data=SPEEDS,
                        value="6",
                        size="xs",
                        **aria(label="Speed of playing, in grid time"),
                    ),
                    _button("time-next", "alarm ▶", "Go to the next alarm"),
                ],
                className="time-buttons",
            ),
            html.Div(
                [
                    html.Canvas(id="time-canvas", **aria(hidden="true")),
                    html.Div(id="time-cursor", className="time-cursor"),
                ],
                id="time-strip",
                className="time-strip",
                role="slider",
                tabIndex=0,
                title="Highest risk of every hour, a column a day: drag to go to any moment. "
                "Arrow keys: an hour, with Shift a day; Home and L: the beginning and live",
                **aria(
                    label="Moment shown", valuetext="live", valuemin="0", valuemax="0", valuenow="0"
                ),
            ),
            html.Div(
                [
                    html.Span(id="time-text", className="time-text"),
                    _button("time-live", "● Live", "Show what is happening now (key L)"),
                ],
                className="time-buttons",
            ),
        ],
        id="time-bar",
        className="time-bar card",
        **aria(label="Time"),
    )
    return bar


def register_time_bar(app: Dash, source: Poller) -> None:
    """Add its callbacks."""

    @app.callback(
        Output("strip-news", "data"),
        Input("strip-due", "data"),
        Input("slide", "data"),
        Input("model", "value"),
        Input("run-chosen", "data"),
        State("strip-known", "data"),
    )
    def strip(
        _version: int | None,
        _slide: int | None,
        model: str,
        run: str | None,
        known: Any,
    ) -> Any:
        snapshot = source.snapshot(run)
        if snapshot.run is None or snapshot.grid is None or model not in snapshot.grid.models:
            return no_update
        found = source.strip(snapshot.run.run, model)
        if found is None:
            return no_update
        news = strip_news(found, snapshot.run.run, model, snapshot.grid.settings.step_s, known)
        return no_update if news is None else news

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressTime", "take"),
        Output("strip-known", "data"),
        Input("strip-news", "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressTime", "address"),
        Output("at", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("run-chosen", "data"),
        State("at", "data"),
    )
    # The news of the server, unless another moment was chosen since; pages wait for no answer.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressTime", "news"),
        Output("news", "data"),
        Input("server-news", "data"),
        Input("at", "data"),
        State("run-chosen", "data"),
        State("news", "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressTime", "arrived"),
        Output("strip-due", "data"),
        Input("news", "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressTime", "draw"),
        Output("strip-drawn", "data"),
        Input("at", "data"),
        Input("strip-known", "data"),
        Input("scheme", "computedColorScheme"),
        Input("time-speed", "value"),
    )


def strip_news(
    strip: Strip, run: str, model: str, step_s: int, known: Any
) -> dict[str, Any] | None:
    """What a browser lacks of a strip; None if nothing.

    ``known`` is ``run``, ``model`` and how many ``windows`` and windows with ``alarms`` it has; one
    that has missed an alarm is sent all. Places are counted from the run's first window, a window
    every ``step_s`` seconds; risks are one byte each.
    """
    if not strip.ends_s:
        return None
    match known:
        case {"run": r, "model": m, "windows": int() as have, "alarms": int() as had}:
            same = (r, m) == (run, model) and 0 < have <= len(strip.ends_s)
            have = have if same and had == sum(map(bool, strip.raised[:have])) else 0
        case _:
            have = 0
    if have == len(strip.ends_s):
        return None
    first_s = strip.ends_s[0]
    places = [round((end_s - first_s) / step_s) for end_s in strip.ends_s[have:]]
    begin = 0 if not have else round((strip.ends_s[have - 1] - first_s) / step_s) + 1
    risk = bytearray([UNKNOWN]) * (places[-1] + 1 - begin)
    for place, value in zip(places, strip.risk[have:], strict=True):
        risk[place - begin] = round(value * (UNKNOWN - 1))
    alarms = [p for p, n in zip(places, strip.raised[have:], strict=True) if n]
    return {
        "run": run,
        "model": model,
        "first_s": first_s,
        "step_s": step_s,
        "begin": begin,
        "risk": b64encode(risk).decode(),
        "alarms": alarms,
        "windows": len(strip.ends_s),
    }


def _button(
    name: str, text: str, title: str, css: str = "", *, disabled: bool = False
) -> html.Button:
    css = f"tool-button {css}"
    return html.Button(text, id=name, className=css, type="button", title=title, disabled=disabled)
