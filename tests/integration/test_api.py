"""The worker's API over real HTTP: addresses, parameters, ETags, what is unknown."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.harness import Stack, two_days, wait_for
from tests.support.openapi import check
from ui.schema.endpoints import ANY_RUN, ENDPOINTS, PAST_RUN, PREFIX

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with two_days(broker, tmp_path_factory.mktemp("stack")) as running:
        running.start("archive")
        archived = {"run": "r", "at": "2025-01-08T18:00Z"}
        wait_for(
            lambda: running.workers[0].get("history/moment", **archived).get("event_time"),
            "the run is archived",
        )
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.workers[0].url}/api/v1/") as client:
        yield client


@pytest.mark.parametrize(
    "path",
    ["grid", "runs", "state", "top?k=3", "episodes", "compare/history", "alerts?limit=5",
     "node/kruckel", "compare", "compare?models=centrality,linear", "windows/open",
     "history/moment?run=r&at=2025-01-08T18:00Z", "history/extremes?run=r"],
)  # fmt: skip
def test_nothing_new_costs_a_few_bytes(client: httpx.Client, path: str) -> None:
    # Of the history every answer compares some more, and only the whole has a tag.
    wait_for(lambda: not client.get(path).json().get("to_compare"), "all is compared")
    first = client.get(path)
    assert first.status_code == 200
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_every_answer_is_as_the_description_says(client: httpx.Client, path: str) -> None:
    document = client.get("openapi.json").json()
    asked = path.replace("{node_id}", "kruckel").lstrip("/")
    of_past = {"run": "r"} if {PAST_RUN, ANY_RUN} & {*ENDPOINTS[path].parameters} else {}
    answer = client.get(asked, params=of_past)
    assert answer.status_code == 200
    check(document, f"{PREFIX}{path}", answer.json())
    refused = client.get(asked, params={"nonesuch": "1"})
    if path != "/health":  # which looks at no parameters
        assert refused.status_code == 400
        check(document, f"{PREFIX}{path}", refused.json(), status=400)
    if ENDPOINTS[path].parameters:
        unknown = client.get(asked, params={"run": "nonesuch"})
        assert unknown.status_code == 404
        check(document, f"{PREFIX}{path}", unknown.json(), status=404)


def test_alerts_are_there_with_level_state_and_sources(client: httpx.Client) -> None:
    alerts = client.get("alerts").json()["alerts"]
    assert {"RAISED", "CLEARED"} <= {alert["state"] for alert in alerts}
    raised = [alert for alert in alerts if alert["state"] == "RAISED"]
    assert all(alert["sources"] and alert["received_at"] > 1e9 for alert in raised)
    assert client.get("alerts", params={"since": 9e9}).json()["alerts"] == []


@pytest.mark.parametrize(
    ("path", "exists"),
    [
        ("node/atlantis", "kruckel"),
        ("state?model=magic", "linear"),
        ("state?run=other", "r"),
    ],
)
def test_the_unknown_is_a_404_that_lists_what_exists(
    client: httpx.Client, path: str, exists: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert exists in answer.json()["exists"]


@pytest.mark.parametrize(
    "path", ["top?k=0", "top?k=x", "top?k=1e3", "alerts?since=soon", "alerts?limit=99999"]
)
def test_a_bad_parameter_is_a_400_that_quotes_it(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert path.rpartition("=")[2] in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("state?time=12", "there are model, run, at"),
        ("compare/history?model=linear", "there are run, models, with, at"),
        ("node/kruckel?k=3", "there are model, run, at"),
        ("grid?run=r", "there are none here"),
        ("system?run=r", "there are none here"),
    ],
)
def test_a_parameter_that_would_have_no_effect_is_a_400(
    client: httpx.Client, path: str, there: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(there)


def test_health_tells_who_owns_what_and_counts(client: httpx.Client) -> None:
    health = client.get("health").json()
    assert health["status"] == "ok"
    assert health["partitions"]["propagated_stress_linear"] == [0, 1, 2, 3]
    assert health["counters"]["frames"]["detection"] > 0
    assert health["counters"]["dead_letters"] == 0


def test_episodes_are_those_of_the_alerts(client: httpx.Client) -> None:
    alerts = client.get("alerts", params={"limit": 5000, "model": "linear"}).json()["alerts"]
    episodes = client.get("episodes", params={"model": "linear"}).json()["episodes"]
    assert {e["episode_id"] for e in episodes} == {a["episode_id"] for a in alerts}
    assert sum(e["steps"] for e in episodes) == len(alerts)
    both = client.get("episodes").json()["episodes"]
    assert {e["model"] for e in both} == {"linear", "centrality"}


def test_the_peak_of_every_episode_is_its_highest_final_window(client: httpx.Client) -> None:
    alerts = client.get("alerts", params={"limit": 5000, "model": "linear"}).json()["alerts"]
    by_risk = sorted(alerts, key=lambda alert: alert["risk_score"])
    highest_alert = {alert["episode_id"]: alert["risk_score"] for alert in by_risk}
    windows = {
        node_id: client.get(f"node/{node_id}?model=linear").json()["windows"]
        for node_id in {alert["node_id"] for alert in alerts}
    }

    def episodes() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get("episodes?model=linear").json()["episodes"]
        return found

    def highest_window(episode: dict[str, Any]) -> float:
        until = episode["cleared_at"] or "9"
        return max(
            window["risk"]
            for window in windows[episode["node_id"]]
            if episode["raised_at"] <= window["window_end"] <= until
        )

    # The peaks of open episodes come with the shards' next views.
    wait_for(lambda: all(e["peak_risk"] == highest_window(e) for e in episodes()), "peaks agree")
    higher = [e for e in episodes() if e["peak_risk"] > highest_alert[e["episode_id"]]]
    assert {e["open"] for e in higher} == {True, False}, "the test compares what it is about"


def test_the_history_has_a_point_a_final_window(client: httpx.Client) -> None:
    wait_for(lambda: not client.get("compare/history").json()["to_compare"], "all is compared")
    history = client.get("compare/history").json()
    stressed = [p for p in history["points"] if min(p["average_risk"].values()) > 0]
    assert stressed
    assert all(p["rank_correlation"] is not None for p in stressed)
    assert [p["window_end"] for p in history["points"]][-1] == "2025-01-09T00:00:00Z"
    assert len(history["points"]) == 48
    counts = history["episodes"]
    for model in ("linear", "centrality"):
        episodes = client.get("episodes", params={"model": model}).json()["episodes"]
        assert (
            counts["counts"][model] == len(episodes) == counts["both"] + len(counts["only"][model])
        )


def test_the_system_tells_of_every_worker_without_lag_when_all_is_done(
    stack: Stack, client: httpx.Client
) -> None:
    def drained() -> bool:
        workers = client.get("system").json()["workers"]
        return len(workers) == 1 and set(workers[0]["lag"].values()) == {0}

    wait_for(drained, "the worker has reported that it has finished everything", 20)
    (worker,) = client.get("system").json()["workers"]
    assert worker["frames"]["detection"] > 0
    assert worker["partitions"]["stress_events"] == [0, 1, 2, 3]
    assert worker["rss_mb"] > 20


def test_the_alerts_command_lists_the_same_alarms(stack: Stack, client: httpx.Client) -> None:
    done = stack.command("alerts", "--run", "r", "--json")
    assert done.returncode == 0, done.stderr
    listed = {json.loads(line)["alert_id"] for line in done.stdout.splitlines()}
    shown = client.get("alerts", params={"limit": 5000, "run": "r"}).json()["alerts"]
    assert listed == {alert["alert_id"] for alert in shown}
