"""A worker that only works and a view server that only answers, as real processes."""

import json
from collections.abc import Iterator

import httpx
import pytest

from gridstress.kafka import topics
from tests.integration.harness import Stack, Worker, records, wait_for
from topology.clock import to_iso
from topology.codec import decode
from topology.messages import RiskWindow

pytestmark = pytest.mark.integration

DAY = ["--start", "2025-01-07", "--until", "2025-01-08", "--speed", "max"]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of each; the view server, which is asked by default, has seen the run ``r``."""
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker(GRIDSTRESS_ROLE="worker")
        running.add_worker(GRIDSTRESS_ROLE="views")
        replay(running, "r")
        yield running


@pytest.fixture
def worker(stack: Stack) -> Worker:
    return stack.workers[0]


@pytest.fixture
def views(stack: Stack) -> Worker:
    return stack.workers[1]


def replay(stack: Stack, run: str) -> None:
    assert stack.command("replay", "--run", run, *DAY).returncode == 0


async def test_the_view_server_shows_what_the_worker_has_made(stack: Stack, views: Worker) -> None:
    assert stack.verify("r")["ok"]
    made = {
        to_iso(window.window_end.timestamp()): float(window.risk[window.nodes.index("kruckel")])
        for record in await records(stack.bootstrap, topics.windows("linear"))
        if "kruckel" in (window := decode(record.value, RiskWindow)).nodes
    }
    shown = views.get("node/kruckel", run="r", model="linear")["windows"]
    assert made
    assert {w["window_end"]: w["risk"] for w in shown if w["window_end"] in made} == made
    assert views.get("alerts", run="r")["alerts"]


def test_the_view_server_takes_no_part_in_the_work(
    stack: Stack, worker: Worker, views: Worker
) -> None:
    assert views.get("health")["partitions"] == {}
    assert worker.get("health")["partitions"][topics.MEASUREMENTS] == [0, 1, 2, 3]
    wait_for(lambda: len(views.get("system")["workers"]) == 2, "both have reported")
    reported = {one["worker"]: one for one in views.get("system")["workers"]}
    alone, of_views = (reported[one.get("health")["worker"]] for one in (worker, views))
    assert (alone["role"], of_views["role"]) == ("worker", "views")
    assert (of_views["lag"], of_views["frames"]) == ({}, {})
    assert not (stack.directory / "worker-2").exists()


def test_the_worker_says_who_has_views(worker: Worker, views: Worker) -> None:
    name = views.get("health")["worker"]
    for path in ("runs", "state", "node/kruckel", "openapi.json"):
        answer = httpx.get(f"{worker.url}/api/v1/{path}")
        assert answer.status_code == 421
        assert answer.json()["views"] == [name]
        assert f"ask a view server ({name})" in answer.json()["error"]
    assert httpx.get(f"{worker.url}/metrics").status_code == 200


@pytest.mark.explore(only=True)
def test_commands_find_the_view_server_among_the_addresses_or_say_what_is_wrong(
    stack: Stack, worker: Worker, views: Worker
) -> None:
    both = f"{worker.url},{views.url}"
    assert stack.command("verify", "--run", "r", "--api", both).returncode == 0
    refused = stack.command("verify", "--run", "r", "--api", worker.url)
    assert refused.returncode == 1
    assert "is a worker without views" in refused.stderr
    assert "Name a view server in GRIDSTRESS_API_URLS or with --api" in refused.stderr
    assert finding(stack, worker.url)["ok"] is False
    found = finding(stack, both)
    assert found["ok"] is True
    assert f"{views.get('health')['worker']} (view server, ok)" in found["detail"]


def finding(stack: Stack, urls: str) -> dict[str, object]:
    """What `gridstress doctor` says of the workers."""
    stack.environment["GRIDSTRESS_API_URLS"] = urls
    try:
        findings = json.loads(stack.command("doctor", "--json").stdout)["findings"]
    finally:
        del stack.environment["GRIDSTRESS_API_URLS"]
    return next(found for found in findings if found["name"] == "workers")


@pytest.mark.explore(only=True)
def test_a_killed_view_server_misses_nothing(stack: Stack, worker: Worker, views: Worker) -> None:
    before = worker.get("health")["uptime_s"]
    views.kill()
    replay(stack, "while-away")
    views.restart()
    assert {run["run"] for run in views.get("runs")["runs"]} >= {"r", "while-away"}
    assert stack.verify("while-away")["ok"]
    assert stack.episodes("while-away") == stack.episodes("r")
    assert worker.get("health")["uptime_s"] > before


@pytest.mark.explore(only=True)
def test_the_view_server_goes_on_without_its_worker(
    stack: Stack, worker: Worker, views: Worker
) -> None:
    shown = views.get("state", run="r")["risk"]
    worker.kill()
    replay(stack, "without-worker")
    assert views.get("state", run="r")["risk"] == shown
    assert views.get("health")["status"] == "ok"
    worker.restart()
    assert stack.verify("without-worker")["ok"]
    assert stack.episodes("without-worker") == stack.episodes("r")


@pytest.mark.explore(only=True)
def test_a_view_server_with_other_settings_does_not_start(stack: Stack) -> None:
    process = stack.begin_worker(GRIDSTRESS_ROLE="views", GRIDSTRESS_STEP_S="1800")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert "has other settings: GRIDSTRESS_STEP_S is 1800, the group's 3600" in output
