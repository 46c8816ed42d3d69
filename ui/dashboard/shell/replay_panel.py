"""A replay in one's own hands: a panel at the time bar that sends commands to it."""

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from flask import request

from topology.clock import from_iso
from topology.errors import GridstressError
from ui.auth import refuse_write
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.dashboard.shell.header import aria
from ui.dashboard.shell.view_context import known_moment
from ui.schema.replays import Replay, Wanted

SPEEDS = [
    {"value": "auto", "label": "quick through calm"},
    {"value": "3600", "label": "1 h/s"},
    {"value": "21600", "label": "6 h/s"},
    {"value": "86400", "label": "1 day/s"},
    {"value": "max", "label": "full"},
]
BUTTONS = {
    "pause": ("Pause", "Send nothing more until it is resumed, for all who watch"),
    "step": ("Step 1 h", "Send one more hour and pause"),
    "next-alarm": ("To next alarm", "Hurry until an alarm is raised, then be as before"),
    "stop": ("Stop", "Send nothing more of this run"),
    "start": ("Start anew", "Begin a new run"),
}
"""Label and explanation by command; the first is Resume while the replay is paused."""


def replay_panel() -> Component:
    """The panel, hidden while no replay is there."""
    panel: Component = html.Details(
        [
            dcc.Store(id="replay"),
            html.Summary(
                [html.B("Replay "), html.Span(id="replay-state")],
                title="Pause, step, speed up, stop or start the replay",
            ),
            html.Div(
                [
                    html.P(id="replay-line"),
                    html.Div(
                        [
                            html.Button(
                                label,
                                id=f"replay-{name}",
                                className="tool-button",
                                type="button",
                                title=title,
                            )
                            for name, (label, title) in BUTTONS.items()
                        ],
                        className="replay-buttons",
                    ),
                    dmc.SegmentedControl(
                        id="replay-speed",
                        data=SPEEDS,
                        value="auto",
                        size="xs",
                        **aria(label="Speed of the replay, in grid time"),
                    ),
                    html.P(id="replay-said", role="status"),
                ],
                className="card replay-panel",
            ),
        ],
        id="replay-box",
        className="replay hidden",
    )
    return panel


def register_replay_panel(app: Dash, source: Poller, *, token: bool) -> None:
    """Add its callbacks; ``token`` is whether only those are let in who have logged in."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressReplay", "show"),
        Output("replay-box", "className"),
        Output("replay-state", "children"),
        Output("replay-line", "children"),
        Output("replay-pause", "children"),
        Output("replay-start", "children"),
        Output("replay-speed", "value"),
        Input("replay", "data"),
        Input("at", "data"),
    )

    @app.callback(
        Output("replay-said", "children"),
        Output("replay-speed", "value", allow_duplicate=True),
        *(Input(f"replay-{name}", "n_clicks") for name in BUTTONS),
        Input("replay-speed", "value"),
        State("replay", "data"),
        State("at", "data"),
        prevent_initial_call=True,
    )
    def command(*given: Any) -> Any:
        *_, speed, shown, at = given
        pressed = str(ctx.triggered_id).removeprefix("replay-")
        if not isinstance(shown, dict) or (pressed == "speed" and speed == shown.get("speed")):
            return no_update, no_update
        true_speed = shown.get("speed", no_update)
        if not token and (
            refused := refuse_write(request.remote_addr, dict(request.headers), by_browser=True)
        ):
            return refused, true_speed
        try:
            after = source.command(wanted(pressed, shown, speed, known_moment(at)))
        except GridstressError as error:
            return str(error), true_speed
        return said(after), after.speed


def wanted(pressed: str, shown: dict[str, Any], speed: str, at: str | None) -> Wanted:
    """The command of a button, to the replay that is shown."""
    run = str(shown.get("run"))
    match pressed:
        case "pause":
            paused = shown.get("state") == "paused"
            return Wanted("resume" if paused else "pause", run)
        case "speed":
            return Wanted("speed", run, speed=str(speed))
        case "start":
            begin = at if at and _can_begin(shown, at) else None
            return Wanted("start", run, speed=str(speed), begin=begin)
        case "step" | "next-alarm" | "stop":
            return Wanted(pressed, run)
    raise ValueError(f"no button {pressed!r}")


def _can_begin(shown: dict[str, Any], at: str) -> bool:
    """Whether a new run may begin at this moment."""
    begin_s, end_s = from_iso(shown["begin"]), from_iso(shown["end"])
    return not shown.get("whole") and begin_s <= from_iso(at) < end_s


def said(replay: Replay) -> str:
    """How a replay is once it has followed a command."""
    return {"paused": "Paused.", "waiting": "Stopped."}.get(replay.state, "Done.")


def shown_replay(snapshot: Snapshot) -> Replay | None:
    """The replay of the run that is shown, else the one that spoke last."""
    return snapshot.replay or next(iter(snapshot.replays), None)
