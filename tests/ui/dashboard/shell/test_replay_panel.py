"""The replay's panel: what its buttons want, and what is said of a replay."""

from collections.abc import Iterator
from dataclasses import replace as changed
from typing import Any

import pytest
from msgspec import convert, structs, to_builtins

from tests.ui.literal_api import RUN, LiteralApi, literal_api, replay
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.refusals import ApiError, WorkerGoneError
from ui.client.snapshot import Snapshot
from ui.dashboard import create_dashboard
from ui.dashboard.shell.replay_panel import said, shown_replay, wanted
from ui.dashboard.shell.status import status_of
from ui.schema.replays import Replay, Wanted

NOW = 1e9
COMMAND = "/_dash-update-component"


@pytest.fixture
def api() -> Iterator[LiteralApi]:
    with literal_api() as server:
        server.answers["replays"] = {"replays": [replay()]}
        yield server


def snapshot_of(api: LiteralApi) -> Snapshot:
    poller = Poller(ApiClient(api.url), clock=lambda: NOW)
    found = poller.poll()
    poller.stop()
    return found


def one(**changes: Any) -> Replay:
    return convert(replay(**changes), Replay)


@pytest.mark.parametrize(
    ("pressed", "shown", "command"),
    [
        ("pause", {}, Wanted("pause", RUN)),
        ("pause", {"state": "paused"}, Wanted("resume", RUN)),
        ("step", {}, Wanted("step", RUN)),
        ("next-alarm", {}, Wanted("next-alarm", RUN)),
        ("stop", {}, Wanted("stop", RUN)),
        ("speed", {}, Wanted("speed", RUN, speed="86400")),
        ("start", {}, Wanted("start", RUN, speed="86400", begin="2019-01-15T10:00Z")),
    ],
)
def test_every_button_is_a_command_to_the_replay_that_is_shown(
    pressed: str, shown: dict[str, Any], command: Wanted
) -> None:
    assert wanted(pressed, replay(**shown), "86400", "2019-01-15T10:00Z") == command


def test_the_replay_of_the_run_is_shown_else_the_one_that_spoke_last(api: LiteralApi) -> None:
    found = snapshot_of(api)
    other = one(run="other", replay="host-2")
    assert shown_replay(changed(found, replays=(other, one()))) == one()
    assert shown_replay(changed(found, replays=(other,))) == other
    assert shown_replay(changed(found, replays=())) is None


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ({"state": "paused"}, "Replay paused"),
        ({"state": "waiting", "next": None}, "Replay stopped"),
        ({"hurries": True}, "Live"),
        ({}, "Live"),
    ],
)
def test_the_status_line_tells_a_pause_from_a_failure(
    api: LiteralApi, state: dict[str, Any], title: str
) -> None:
    api.answers["replays"] = {"replays": [replay(**state)]}
    status = status_of(snapshot_of(api), NOW)
    assert status.title == title
    assert ("hurries through calm" in status.detail) == ("hurries" in state)


def test_a_worker_of_before_has_no_replays(api: LiteralApi) -> None:
    del api.answers["replays"]
    found = snapshot_of(api)
    assert (found.replays, found.error) == ((), "")


def test_a_command_is_sent_once_and_its_refusal_is_an_error(api: LiteralApi) -> None:
    with ApiClient(["http://127.0.0.1:1", api.url]) as client:
        assert client.command(Wanted("step", RUN)) == one()
        assert api.commands == [to_builtins(Wanted("step", RUN))]
        api.refused = "no run is being sent: start one"
        with pytest.raises(ApiError, match="start one"):
            client.command(Wanted("step"))
    with ApiClient("http://127.0.0.1:1") as client, pytest.raises(WorkerGoneError):
        client.command(Wanted("step"))


def test_what_is_said_is_how_the_replay_is(api: LiteralApi) -> None:
    assert said(one(state="paused")) == "Paused."
    assert said(one(state="waiting")) == "Stopped."
    assert said(structs.replace(one(), hurries=True)) == "Done."


@pytest.mark.parametrize(
    ("headers", "peer", "sent"),
    [
        ({}, "127.0.0.1", False),
        ({"Origin": "http://127.0.0.1:8050"}, "127.0.0.1", True),
        ({"Origin": "http://example.org"}, "127.0.0.1", False),
        ({"Origin": "http://127.0.0.1:8050"}, "192.0.2.7", False),
    ],
)
def test_without_a_token_only_this_machine_may_command(
    api: LiteralApi, headers: dict[str, str], peer: str, sent: bool
) -> None:
    poller = Poller(ApiClient(api.url))
    poller.poll()
    app = create_dashboard(poller)
    client = app.server.test_client()
    client.get("/_dash-dependencies")
    output = next(key for key in app.callback_map if "replay-said" in key)
    asked = [
        {"id": f"replay-{name}", "property": "n_clicks", "value": 1 if name == "step" else None}
        for name in ("pause", "step", "next-alarm", "stop", "start")
    ]
    body = {
        "output": output,
        "outputs": [
            {"id": "replay-said", "property": "children"},
            {"id": "replay-speed", "property": output.rpartition(".replay-speed.")[2].strip(".")},
        ],
        "inputs": [*asked, {"id": "replay-speed", "property": "value", "value": "3600"}],
        "changedPropIds": ["replay-step.n_clicks"],
        "state": [
            {"id": "replay", "property": "data", "value": replay()},
            {"id": "at", "property": "data", "value": None},
        ],
    }
    answer = client.post(
        COMMAND,
        json=body,
        headers={"Host": "127.0.0.1:8050", **headers},
        environ_overrides={"REMOTE_ADDR": peer},
    )
    poller.stop()
    assert answer.status_code == 200
    said_then = answer.json["response"]["replay-said"]["children"]  # type: ignore[index]
    assert bool(api.commands) is sent
    assert (said_then == "Done.") is sent
