"""What the doctor learns from a real broker and from servers on loopback."""

import asyncio
import json
import time
from contextlib import AbstractContextManager

import pytest
from pydantic import SecretStr

from gridstress.admin import doctor
from gridstress.admin.doctor_cluster import topic_problems
from gridstress.kafka.topics import STRESS, ensure_topics
from gridstress.settings import Settings
from tests.support.http_answers import answering, without_views
from tests.ui import literal_api


def settings(broker: str, **changes: object) -> Settings:
    return Settings(broker=f"kafka://{broker}", **changes)


@pytest.mark.integration
@pytest.mark.kafka_too
def test_topics_that_this_gridstress_has_made_are_as_they_should_be(broker: str) -> None:
    asyncio.run(ensure_topics(settings(broker)))
    assert asyncio.run(topic_problems(settings(broker))) == []
    assert doctor.topics(settings(broker)).ok
    assert doctor.topic_settings(settings(broker)).ok


@pytest.mark.integration
@pytest.mark.kafka_too
def test_topics_that_are_otherwise_are_named(broker: str) -> None:
    asyncio.run(ensure_topics(settings(broker)))
    finding = doctor.topics(settings(broker, partitions=3, replication=2))
    assert not finding.ok
    assert f"{STRESS} has 4 partitions, not 3" in finding.detail
    assert f"{STRESS} has 1 copies, not 2" in finding.detail
    assert "dead_letters has 4 partitions" not in finding.detail
    assert "gridstress reshard" in finding.hint


def worker_at(ahead_s: float) -> AbstractContextManager[str]:
    """A worker's health, written by a clock that is ahead."""
    health = {"status": "ok", "worker": "here"}
    return answering(lambda: json.dumps({**health, "now": time.time() + ahead_s}).encode())


@pytest.mark.parametrize(("ahead_s", "ok"), [(0.0, True), (60.0, False), (-60.0, False)])
def test_clocks_that_are_apart_are_reported(ahead_s: float, ok: bool) -> None:
    with worker_at(ahead_s) as url:
        finding = doctor.clock(Settings(api_urls=url))
    assert finding.ok is ok
    assert ok or "s apart" in finding.detail


@pytest.mark.parametrize("scheme", ["HTTP", "ALL"])
def test_no_proxy_is_shown_the_token(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    with worker_at(0.0) as url, worker_at(60.0) as proxy:
        monkeypatch.setenv(f"{scheme}_PROXY", proxy)
        assert doctor.clock(Settings(api_urls=url, api_token=SecretStr("s" * 32))).ok


def test_a_machine_that_reaches_only_workers_without_views_is_told_so() -> None:
    with without_views("host:6070") as url:
        finding = doctor.workers(Settings(api_urls=url))
    assert not finding.ok
    assert "is a worker without views" in finding.detail
    assert finding.hint == "name a view server in GRIDSTRESS_API_URLS"
    assert doctor.workers(Settings(api_urls="http://127.0.0.1:1")).ok


def test_workers_and_view_servers_are_named_with_their_roles() -> None:
    found = literal_api.system()
    found["workers"].append(literal_api.worker("host:6070") | {"role": "views"})
    with answering(lambda: json.dumps(found).encode()) as url:
        finding = doctor.workers(Settings(api_urls=url))
    assert finding.ok
    assert finding.detail == "host:6066 (worker, ok), host:6070 (view server, ok)"


@pytest.mark.parametrize(
    ("reported", "ok", "detail"),
    [
        ([("worker", "ok"), ("views", "starting")], True, "host:0 (worker without views, ok)"),
        ([("all", "ok"), ("worker", "stalled")], False, "host:1 (worker without views, stalled)"),
        ([("all", "ok"), ("views", "stalled")], False, "host:1 (view server, stalled)"),
        (
            [("views", "ok")],
            False,
            "no worker has reported in the last minute, host:0 (view server",
        ),
        ([], False, "no worker has reported in the last minute"),
    ],
)
def test_that_no_worker_works_or_one_is_stalled_is_a_failure(
    reported: list[tuple[str, str]], ok: bool, detail: str
) -> None:
    workers = [
        literal_api.worker(f"host:{n}") | {"role": role, "status": status}
        for n, (role, status) in enumerate(reported)
    ]
    found = literal_api.system() | {"workers": workers}
    with answering(lambda: json.dumps(found).encode()) as url:
        finding = doctor.workers(Settings(api_urls=url))
    assert finding.ok is ok
    assert detail in finding.detail


def test_without_a_worker_the_clock_is_only_looked_at() -> None:
    assert doctor.clock(Settings(api_urls="http://127.0.0.1:1")).ok
