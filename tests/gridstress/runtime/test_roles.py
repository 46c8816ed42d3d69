"""What a process of each role consists of, and what it answers before it has started."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestServer

from gridstress.kafka.topics import STATUS, VIEW
from gridstress.runtime import web
from gridstress.runtime.observers import StageObserver, ViewObserver
from gridstress.runtime.stall_rule import Watch
from gridstress.settings import load_settings
from gridstress.worker import create_app
from tests.gridstress.runtime.test_web_server import TOKEN, VIEWS, WITH_IT
from topology.grid import Grid
from ui.api.view_consumer import ViewConsumer

ANSWERED = {"/api/v1/health", "/api/v1/live", "/metrics"}
"""What a worker without views answers."""


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(grid: Grid, role: str) -> Any:
    return create_app(load_settings(store="memory", role=role, api_token=TOKEN), grid)


def followed(app: Any) -> set[str]:
    (views,) = [one for one in app._extra_services if isinstance(one, ViewConsumer)]
    return set(views._apply)


async def test_a_worker_follows_nothing_but_views_and_status(triangle: Grid) -> None:
    app = made(triangle, "worker")
    assert followed(app) == {VIEW, STATUS}
    assert set(app.agents) == set(made(triangle, "all").agents)
    assert not app.producer_only
    assert isinstance(app.watchdog.observer, StageObserver)


async def test_a_view_server_has_no_agents_and_tables_and_follows_all(triangle: Grid) -> None:
    app, whole = made(triangle, "views"), made(triangle, "all")
    assert (dict(app.agents), dict(app.tables), app.stages.sources) == ({}, {}, {})
    assert app.producer_only
    assert followed(app) == followed(whole) > {VIEW, STATUS}
    assert isinstance(app.watchdog.observer, ViewObserver)
    assert not whole.producer_only


def test_a_worker_without_views_builds_nothing_that_only_views_need(
    triangle: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    for part in (web.History, web.PostedRuns, web.Ledger):

        def noted(self: Any, *given: Any, made: Any = part.__init__, **more: Any) -> None:
            built.append(type(self).__name__)
            made(self, *given, **more)

        monkeypatch.setattr(part, "__init__", noted)
    made(triangle, "worker")
    assert built == []
    made(triangle, "views")
    assert sorted(built) == ["History", "Ledger", "PostedRuns"]


async def test_a_view_server_that_waits_for_its_group_is_not_stalled(triangle: Grid) -> None:
    app, watch = made(triangle, "views"), Watch(timeout_s=10)
    observed = [await app.watchdog.observer.see() for _ in range(3)]
    assert [watch.see(seen, 20.0) for seen in observed] == [None] * 3
    app.group.settings_id = "known"
    app.watchdog.observer._logs.ask = _no_broker
    observed = [await app.watchdog.observer.see() for _ in range(3)]
    assert [watch.see(seen, 20.0) for seen in observed][-1] == "views not ready for 40 s"


async def _no_broker(partitions: Any) -> None:
    """The last answers stay, as when it does not answer."""


async def test_a_worker_refuses_all_but_how_it_is(triangle: Grid) -> None:
    async with (
        TestServer(await made(triangle, "worker").web.wsgi()) as server,
        httpx.AsyncClient(base_url=str(server.make_url("/")), headers=WITH_IT) as client,
    ):
        paths = {path: path.replace("{node_id}", "a") for path in VIEWS}
        posted = {path: await client.post(paths[path], content=b"{}") for path in VIEWS}
        asked = {path: await client.get(paths[path]) for path in VIEWS}
        assert (await client.get("/api/v1/nonesuch")).status_code == 404
    refused = {path for path, answer in asked.items() if answer.status_code == 421}
    taking = {"/api/v1/measurements", "/api/v1/replays/command"}
    assert refused == VIEWS - ANSWERED - taking
    assert {path for path, answer in posted.items() if answer.status_code == 421} == taking
    for answer in [asked[path] for path in refused] + [posted[path] for path in taking]:
        assert "is a worker without views (GRIDSTRESS_ROLE=worker)" in answer.json()["error"]
        assert answer.json()["views"] == []


async def test_a_view_server_that_has_not_caught_up_is_starting(triangle: Grid) -> None:
    async with (
        TestServer(await made(triangle, "views").web.wsgi()) as server,
        httpx.AsyncClient(base_url=str(server.make_url("/")), headers=WITH_IT) as client,
    ):
        assert (await client.get("/api/v1/live")).status_code == 503
        health = (await client.get("/api/v1/health")).json()
        assert (health["status"], health["role"], health["partitions"]) == ("starting", "views", {})
        assert (await client.get("/api/v1/grid")).status_code == 200
        answer = await client.post("/api/v1/measurements", content=b"{}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        metrics = (await client.get("/metrics")).text
        assert 'gridstress_worker_ready{role="views"} 0.0' in metrics
        assert "gridstress_lag_records{" not in metrics
