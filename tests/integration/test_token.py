"""With a token set: requests with it work as before, others are refused, and it is never shown."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gridstress.local import processes
from tests.integration.harness import Stack, wait_for

pytestmark = pytest.mark.integration

TOKEN = "correct-horse-battery"
WITH_IT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack"), {"GRIDSTRESS_API_TOKEN": TOKEN}) as made:
        made.add_worker()
        made.environment["GRIDSTRESS_API_URLS"] = made.workers[0].url
        yield made


@pytest.fixture(scope="module")
def verdict(stack: Stack) -> dict[str, Any]:
    """On a day that was replayed, with the token in the environment."""
    span = ["--start", "2025-01-07", "--until", "2025-01-08", "--speed", "max"]
    assert stack.command("replay", "--run", "r", *span).returncode == 0
    return stack.verify("r")


def test_replay_and_verifier_bring_the_token(verdict: dict[str, Any]) -> None:
    assert verdict["ok"]


@pytest.mark.usefixtures("verdict")
def test_a_worker_answers_only_who_has_the_token(stack: Stack) -> None:
    url = stack.workers[0].url
    assert httpx.get(f"{url}/api/v1/state").status_code == 401
    assert httpx.get(f"{url}/api/v1/state", headers=WITH_IT).status_code == 200
    live = httpx.get(f"{url}/api/v1/live")
    assert (live.status_code, live.content) == (200, b"")


def test_the_dashboard_asks_for_the_token_and_brings_it_to_the_worker(stack: Stack) -> None:
    port = processes.free_port()
    service = stack.start("ui", "--port", str(port))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:

        def answers() -> bool:
            try:
                return browser.get("/_dash-layout").status_code == 401
            except httpx.HTTPError:
                return False

        wait_for(answers, "the dashboard refuses a stranger")
        assert browser.post("/login", data={"token": TOKEN}).status_code == 303
        wait_for(lambda: "germany" in str(system(browser)), "the settings are shown")
        shown = system(browser)
    assert "GRIDSTRESS_API_TOKEN" in shown
    assert TOKEN not in shown
    assert TOKEN not in open_log(service)


def system(browser: httpx.Client) -> str:
    """All that the callbacks of the system page say."""
    asked = browser.get("/_dash-dependencies").json()
    output = []
    for callback in asked:
        if "system-" not in callback["output"] or callback["clientside_function"]:
            continue
        outputs = [
            {"id": i, "property": p}
            for i, p in re.findall(r"([\w-]+)\.([\w-]+)", callback["output"])
        ]
        body = {
            "output": callback["output"],
            "outputs": outputs if callback["output"].startswith("..") else outputs[0],
            "inputs": [{**one, "value": None} for one in callback["inputs"]],
            "state": [{**one, "value": None} for one in callback["state"]],
            "changedPropIds": [],
        }
        output.append(browser.post("/_dash-update-component", json=body).text)
    return "".join(output)


def open_log(service: processes.Service) -> str:
    with open(service.log, encoding="utf-8", errors="replace") as log:  # noqa: PTH123
        return log.read()


def test_the_token_is_in_no_log_no_answer_and_no_command(stack: Stack) -> None:
    log = open_log(stack.workers[0].service)
    assert "gridstress" in log
    assert TOKEN not in log
    url = stack.workers[0].url
    for path in ("system", "health", "grid", "nonesuch"):
        assert TOKEN not in httpx.get(f"{url}/api/v1/{path}", headers=WITH_IT).text
    settings = httpx.get(f"{url}/api/v1/system", headers=WITH_IT).json()["settings"]
    assert set(settings["GRIDSTRESS_API_TOKEN"]) == {"*"}
    for words in (
        ("config", "show"),
        ("config", "show", "--json"),
        ("config", "check"),
        ("doctor",),
    ):
        done = stack.command(*words)
        assert TOKEN not in done.stdout + done.stderr
    shown = json.loads(stack.command("config", "show", "--json").stdout)["settings"]
    (origin,) = (one for one in shown if one["name"] == "GRIDSTRESS_API_TOKEN")
    assert (set(origin["value"]), origin["source"]) == ({"*"}, "environment")


@pytest.mark.usefixtures("verdict")
def test_a_wrong_token_is_reported_in_one_line(stack: Stack) -> None:
    others = {**stack.environment, "GRIDSTRESS_API_TOKEN": "another-token-altogether"}
    with Stack(stack.bootstrap, stack.directory, others) as stranger:
        done = stranger.command("verify", "--run", "r")
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr
    assert "another-token-altogether" not in done.stderr
