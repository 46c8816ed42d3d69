"""A replay under control: its results are those of one without commands."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.harness import Stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.kafka_too]

SPAN = ["--start", "2025-01-07", "--until", "2025-01-09"]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as made:
        made.add_worker()
        yield made


@pytest.fixture(scope="module")
def untouched(stack: Stack) -> str:
    """The episodes of two winter days that were replayed."""
    assert stack.command("replay", "--run", "untouched", *SPAN, "--speed", "max").returncode == 0
    assert stack.verify("untouched")["ok"]
    return stack.episodes("untouched")


@pytest.fixture(scope="module")
def replay(stack: Stack) -> "Replay":
    """A replay that waits for commands; whether it sends a run depends on the test before."""
    stack.start("replay", "--stay", "--speed", "12", "--run", "held", *SPAN)
    found = Replay(stack)
    wait_for(lambda: found.there() and found.status()["next"], "the replay is there")
    return found


class Replay:
    """By command line, with its JSON, and by the worker's API."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def there(self) -> bool:
        return bool(self._asked("status"))

    def status(self) -> Any:
        return self._asked("status")[0]

    def command(self, *words: str) -> Any:
        return self._asked(*words)[0]

    def begin(self) -> str:
        """Begin another run, an hour in five minutes."""
        before = self.status()["run"]
        self.command("start", "--speed", "12")
        wait_for(lambda: self.status()["run"] != before, "another run has begun")
        wait_for(lambda: self.status()["state"] == "running", "it is being sent")
        return str(self.status()["run"])

    def end(self) -> None:
        """Send nothing."""
        if self.status()["state"] != "waiting":
            self.command("stop")
        wait_for(lambda: self.status()["state"] == "waiting", "nothing is being sent")

    def post(self, body: Any, **headers: str) -> httpx.Response:
        url = f"{self.stack.workers[0].url}/api/v1/replays/command"
        kind = {"Content-Type": "application/json", **headers}
        return httpx.post(url, content=json.dumps(body), headers=kind, timeout=30)

    def _asked(self, *words: str) -> list[Any]:
        done = self.stack.command("control", *words, "--json")
        assert done.returncode == 0, done.stderr
        found: list[Any] = json.loads(done.stdout)
        return found


def test_commands_change_when_rows_are_sent_and_never_which(
    stack: Stack, replay: Replay, untouched: str
) -> None:
    run = replay.begin()
    # It began with one row and waits for the next one.
    assert replay.command("pause")["state"] == "paused"
    first = datetime.fromisoformat(replay.status()["next"])
    replay.command("step")
    wait_for(lambda: after(replay, first, hours=1), "an hour more is sent")
    replay.command("next-alarm")
    wait_for(lambda: replay.status()["state"] == "paused", "it is paused at an alarm")
    raised = alerts(stack, run)
    assert raised
    # It was ahead of the results by twelve windows at most.
    reached = datetime.fromisoformat(replay.status()["next"])
    assert timedelta(0) < reached - min(raised) <= timedelta(hours=14)
    assert replay.command("speed", "max")["speed"] == "max"
    assert replay.command("resume")["state"] in ("running", "waiting")
    wait_for(lambda: replay.status()["state"] == "waiting", "the run is sent")
    assert stack.verify(run)["ok"]
    assert stack.episodes(run) == untouched


def test_a_run_begins_anew_from_a_moment_and_another_one_by_http(
    stack: Stack, replay: Replay
) -> None:
    before = replay.status()["run"]
    replay.command("start", "--from", "2025-01-08T12:00Z", "--speed", "max")
    wait_for(lambda: replay.status()["run"] != before, "another run has begun")
    run = replay.status()["run"]
    wait_for(lambda: replay.status()["state"] == "waiting", "it is sent")
    assert stack.verify(run)["ok"]
    assert [zone["rows"] for zone in record_of(stack, run)["sent"].values()] == [12] * 4
    answer = replay.post({"command": "start", "begin": "2025-01-08T18:00Z", "speed": "auto"})
    assert answer.status_code == 200, answer.text
    wait_for(lambda: replay.status()["run"] != run, "one more has begun")
    run = replay.status()["run"]
    wait_for(lambda: listed(stack) == [run], "the worker knows of it")
    wait_for(lambda: replay.status()["state"] == "waiting", "it is sent")
    assert stack.verify(run)["ok"]
    assert record_of(stack, run)["start"] == "2025-01-08T18:00:00Z"


def test_a_run_that_is_stopped_is_interrupted(stack: Stack, replay: Replay) -> None:
    run = replay.begin()
    replay.command("stop")
    wait_for(lambda: replay.status()["state"] == "waiting", "it has stopped")
    wait_for(lambda: record_of(stack, run).get("state") == "interrupted", "its record says so")


def test_what_makes_no_sense_is_refused_with_the_reason(stack: Stack, replay: Replay) -> None:
    replay.end()
    for words, says in (
        (["pause"], "no run is being sent: start one"),
        (["pause", "--run", "other"], "no replay is there of run 'other'"),
        (["start", "--from", "2031-01-01"], "no data between 2031-01-01"),
        (["start", "--speed", "fast"], "speed 'fast' is neither"),
    ):
        done = stack.command("control", *words)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    for body, says in (
        ({"command": "jump"}, "not a command"),
        ({"command": "step", "speed": "max"}, "step takes no speed"),
        ({"command": "start", "begin": "soon"}, "begin must be a time"),
        ({"command": "speed"}, "speed is missing"),
        ([], "not a command"),
    ):
        answer = replay.post(body)
        assert (answer.status_code, says in answer.text) == (400, True), answer.text


def test_another_site_commands_nothing(replay: Replay) -> None:
    pause = {"command": "pause"}
    assert replay.post(pause, Origin="https://example.org").status_code == 403
    assert replay.post(pause, Host="grid.example.org").status_code in (403, 421)
    assert replay.post(pause, **{"Content-Type": "text/plain"}).status_code == 403
    assert replay.post(pause, **{"X-Forwarded-For": "192.0.2.1"}).status_code == 403


def after(replay: Replay, first: datetime, hours: int) -> bool:
    return datetime.fromisoformat(replay.status()["next"]) == first + timedelta(hours=hours)


def listed(stack: Stack) -> list[str]:
    """The runs of the replays that a worker knows."""
    answer = httpx.get(f"{stack.workers[0].url}/api/v1/replays").json()
    return [replay["run"] for replay in answer["replays"]]


def record_of(stack: Stack, run: str) -> Any:
    runs = httpx.get(f"{stack.workers[0].url}/api/v1/runs").json()["runs"]
    return next((one["record"] for one in runs if one["run"] == run), None) or {}


def alerts(stack: Stack, run: str) -> list[datetime]:
    """When alarms of the run were raised."""
    url = f"{stack.workers[0].url}/api/v1/alerts?run={run}&model="
    return [
        datetime.fromisoformat(alert["timestamp"])
        for model in ("linear", "centrality")
        for alert in httpx.get(url + model).json()["alerts"]
        if alert["state"] == "RAISED"
    ]
