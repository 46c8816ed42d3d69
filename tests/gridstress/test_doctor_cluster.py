"""What the doctor is told by a real broker and by servers on loopback."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gridstress import doctor
from gridstress.doctor_cluster import topic_problems
from gridstress.settings import Settings
from gridstress.topics import STRESS, ensure_topics


def settings(broker: str, **changes: object) -> Settings:
    return Settings(broker=f"kafka://{broker}", **changes)


@pytest.mark.integration
@pytest.mark.kafka_too
def test_topics_that_this_gridstress_has_made_are_as_they_should_be(broker: str) -> None:
    asyncio.run(ensure_topics(settings(broker)))
    assert topic_problems(settings(broker)) == []
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


@contextmanager
def worker_at(ahead_s: float) -> Iterator[str]:
    """A worker's health, told by a clock that is ahead."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"now": time.time() + ahead_s}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("ahead_s", "ok"), [(0.0, True), (60.0, False), (-60.0, False)])
def test_clocks_that_are_apart_are_told(ahead_s: float, ok: bool) -> None:
    with worker_at(ahead_s) as url:
        finding = doctor.clock(Settings(api_urls=url))
    assert finding.ok is ok
    assert ok or "s apart" in finding.detail


def test_without_a_worker_the_clock_is_only_looked_at() -> None:
    assert doctor.clock(Settings(api_urls="http://127.0.0.1:1")).ok
