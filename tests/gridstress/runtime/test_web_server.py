"""What of a worker is reached over HTTP: our own views, with the token, and nothing else."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestServer

from gridstress.local import processes
from gridstress.runtime.web_server import refuse_exposed_web
from gridstress.settings import load_settings
from gridstress.worker import create_app
from topology.errors import UsageError
from topology.grid import Grid
from ui.api.guard import MAX_BODY_BYTES

TOKEN = "correct-horse-battery"
WITH_IT = {"Authorization": f"Bearer {TOKEN}"}
CHECKOUT = Path(__file__).parents[3]

VIEWS = {
    "/api/v1/alerts",
    "/api/v1/compare",
    "/api/v1/compare/history",
    "/api/v1/episodes",
    "/api/v1/grid",
    "/api/v1/health",
    "/api/v1/history/alerts",
    "/api/v1/history/extremes",
    "/api/v1/history/moment",
    "/api/v1/history/node/{node_id}",
    "/api/v1/history/runs",
    "/api/v1/live",
    "/api/v1/measurements",
    "/api/v1/node/{node_id}",
    "/api/v1/openapi.json",
    "/api/v1/replays",
    "/api/v1/replays/command",
    "/api/v1/runs",
    "/api/v1/state",
    "/api/v1/system",
    "/api/v1/top",
    "/api/v1/windows/open",
    "/metrics",
}


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(grid: Grid, **settings: Any) -> Any:
    return create_app(load_settings(store="memory", **settings), grid)


@pytest.fixture
async def web(triangle: Grid) -> AsyncIterator[TestServer]:
    app = made(triangle, api_token=TOKEN)
    async with TestServer(await app.web.wsgi()) as server:
        yield server


@pytest.fixture
async def client(web: TestServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=str(web.make_url("/")), verify=False) as client:
        yield client


@pytest.mark.parametrize("debug", ["", "1"])
async def test_the_routes_are_exactly_ours(
    triangle: Grid, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    monkeypatch.setenv("GRIDSTRESS_FAUST_APP_DEBUG", debug)
    app = made(triangle)
    assert app.conf.debug is bool(debug)
    router = (await app.web.wsgi()).router
    assert {route.resource.canonical for route in router.routes()} == VIEWS
    posted = {route.resource.canonical for route in router.routes() if route.method == "POST"}
    assert posted == {"/api/v1/measurements", "/api/v1/replays/command"}
    assert {route.method for route in router.routes()} == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("path", [*sorted(VIEWS - {"/api/v1/live"}), "/", "/nonesuch", "/table/"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}],
)
async def test_nothing_is_shown_without_the_token(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    for asked in (path, f"{path}?token={TOKEN}"):
        answer = await client.get(asked, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN not in answer.text


async def test_the_token_opens_every_view(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/grid", headers=WITH_IT)).status_code == 200
    assert (await client.get("/nonesuch", headers=WITH_IT)).status_code == 404


async def test_other_methods_and_bodies_are_refused(client: httpx.AsyncClient) -> None:
    posted = await client.post("/api/v1/grid", headers=WITH_IT)
    assert (posted.status_code, posted.headers["Allow"]) == (405, "GET,HEAD")
    asked = await client.request("GET", "/api/v1/grid", headers=WITH_IT, content=b"x" * 10_000)
    assert asked.status_code == 413


async def test_only_who_has_the_token_may_post(client: httpx.AsyncClient) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    for headers in ({}, wrong):
        answer = await client.post("/api/v1/measurements", headers=headers, content=b"x" * 10_000)
        assert answer.status_code == 401
        assert answer.headers["Connection"] == "close"


async def test_without_a_token_nothing_can_be_posted(triangle: Grid) -> None:
    async with (
        TestServer(await made(triangle, insecure=True).web.wsgi()) as server,
        httpx.AsyncClient(base_url=str(server.make_url("/"))) as client,
    ):
        answer = await client.post("/api/v1/measurements", content=b"{}")
        assert answer.status_code == 403
        assert "GRIDSTRESS_API_TOKEN" in answer.json()["error"]
        assert (await client.get("/api/v1/grid")).status_code == 200


async def test_a_worker_that_is_not_ready_takes_nothing_yet(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/measurements", headers=WITH_IT, content=b"{}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (await client.get("/api/v1/measurements", headers=WITH_IT)).status_code == 405


@pytest.mark.parametrize("with_length", [True, False])
async def test_more_than_fits_is_refused(client: httpx.AsyncClient, with_length: bool) -> None:
    whole = b"x" * (MAX_BODY_BYTES + 1)

    async def parts() -> AsyncIterator[bytes]:
        yield whole

    content = whole if with_length else parts()
    answer = await client.post("/api/v1/measurements", headers=WITH_IT, content=content)
    assert answer.status_code == 413


async def test_long_headers_and_lines_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/grid", headers={"X": "y" * 9000})).status_code == 400
    assert (await client.get("/api/v1/grid?" + "y" * 9000)).status_code == 400


async def test_answers_are_not_guessed_at_by_browsers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/grid", headers=WITH_IT)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_a_node_id_is_no_path(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/node/..%2f..%2fetc%2fpasswd", headers=WITH_IT)
    assert answer.status_code == 404
    assert answer.json()["error"] == "unknown node '../../etc/passwd'"


@pytest.mark.parametrize(
    ("host", "insecure", "status"),
    [("localhost", False, 200), ("evil.org", False, 421), ("evil.org", True, 200)],
)
async def test_a_foreign_name_for_loopback_is_not_answered(
    triangle: Grid, host: str, insecure: bool, status: int
) -> None:
    app = made(triangle, insecure=insecure)
    async with (
        TestServer(await app.web.wsgi()) as server,
        httpx.AsyncClient(base_url=str(server.make_url("/"))) as client,
    ):
        answer = await client.get("/api/v1/grid", headers={"Host": host})
    assert answer.status_code == status


@pytest.mark.filterwarnings("ignore:Setting new value")
def test_the_last_word_on_the_address_is_what_counts(triangle: Grid) -> None:
    app = made(triangle)
    refuse_exposed_web(app.settings, app.conf)
    app.conf.web_bind = "0.0.0.0"  # as --web-bind does it, and Faust warns of it
    with pytest.raises(UsageError, match="--web-bind"):
        refuse_exposed_web(app.settings, app.conf)
    app.conf.web_enabled = False
    refuse_exposed_web(app.settings, app.conf)


@pytest.mark.filterwarnings("ignore:Setting new value")
def test_a_unix_socket_is_nobody_elses(triangle: Grid) -> None:
    app = made(triangle, web_bind="0.0.0.0")
    app.conf.web_transport = "unix:///tmp/gridstress.sock"
    refuse_exposed_web(app.settings, app.conf)


def start_worker(
    directory: Path, *words: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    port = str(processes.free_port())
    return subprocess.run(
        [sys.executable, "-m", "faust", "-A", "gridstress", "worker", "--web-port", port, *words],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", [("--web-bind", "0.0.0.0"), ()])
def test_a_worker_that_would_listen_for_all_does_not_start(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    environment = {} if words else {"GRIDSTRESS_WEB_BIND": "0.0.0.0"}
    done = start_worker(tmp_path, *words, **environment)
    assert done.returncode == 2, done.stderr
    assert "error: the worker's API would listen on 0.0.0.0" in done.stderr
    assert "GRIDSTRESS_API_TOKEN" in done.stderr


def test_a_worker_whose_data_directory_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = start_worker(tmp_path, GRIDSTRESS_DATA_DIR="taken/data")
    assert done.returncode == 1, done.stderr
    assert f"error: the data directory {tmp_path}/taken/data cannot be made: Not a" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_whose_port_is_taken_says_by_whom(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = start_worker(tmp_path, "--web-port", str(port))
    assert done.returncode == 1, done.stderr
    assert f"error: port {port} (GRIDSTRESS_WEB_PORT) is taken" in done.stderr
    assert "Traceback" not in done.stderr


async def test_records_are_never_unpickled(triangle: Grid) -> None:
    app = made(triangle)
    assert app.conf.key_serializer == "raw"
    topics = [agent.channel for agent in app.agents.values()]
    topics += [table.changelog_topic for table in app.tables.values()]
    assert topics
    for topic in topics:
        assert (topic.key_serializer, topic.value_serializer) == ("raw", "raw")


async def test_refusals_are_counted_too_and_invented_addresses_as_one(triangle: Grid) -> None:
    app = made(triangle, api_token=TOKEN)
    async with (
        TestServer(await app.web.wsgi()) as server,
        httpx.AsyncClient(base_url=str(server.make_url("/"))) as client,
    ):
        await client.get("/api/v1/grid")
        await client.get("/api/v1/grid", headers=WITH_IT)
        await client.get("/made/up", headers=WITH_IT)
        await client.get("/made/up/too", headers=WITH_IT)
    counted = {
        (sample.labels["path"], sample.labels["status"]): sample.value
        for family in app.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "gridstress_api_requests_total"
    }
    assert counted == {
        ("/api/v1/grid", "401"): 1,
        ("/api/v1/grid", "200"): 1,
        ("unknown", "404"): 2,
    }
