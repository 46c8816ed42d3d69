"""Measurements from other programs: by lines, by HTTP, from ENTSO-E; verified like a replay."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from gridstress.kafka.topics import MEASUREMENTS
from gridstress.local import processes
from gridstress.replay.resume import frames_of
from tests.integration.harness import Stack, wait_for
from tests.support.entsoe_platform import TOKEN as ENTSOE_TOKEN
from tests.support.entsoe_platform import entsoe_platform
from topology.clock import to_iso

pytestmark = pytest.mark.integration

TOKEN = "correct-horse-battery"
WITH_IT = {"Authorization": f"Bearer {TOKEN}"}
SPAN = ["--start", "2025-01-07", "--until", "2025-01-09", "--speed", "max"]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"GRIDSTRESS_API_TOKEN": TOKEN, "GRIDSTRESS_ENTSOE_TOKEN": ENTSOE_TOKEN}
    with Stack(broker, tmp_path_factory.mktemp("stack"), environment) as made:
        made.add_worker()
        yield made


@pytest.fixture(scope="module")
def replayed(stack: Stack) -> str:
    """The episodes of two winter days that were replayed."""
    assert stack.command("replay", "--run", "replayed", *SPAN).returncode == 0
    assert stack.verify("replayed")["ok"]
    return stack.episodes("replayed")


async def hours_sent(stack: Stack, run: str, start: datetime) -> list[int]:
    """The hours of all rows of a run in the topic by their numbers, of all zones, sorted."""
    found = [frame async for frame in frames_of(stack.settings.kafka, run)]
    first = int(start.timestamp()) // 3600
    return sorted(frame.seq + i - first for frame in found for i in range(len(frame.timestamps)))


async def expire(stack: Stack, topic: str) -> None:
    """Delete all records of a topic, as its retention would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    try:
        everything = {TopicPartition(topic, p): RecordsToDelete(-1) for p in range(4)}
        await admin.delete_records(everything)
    finally:
        await admin.close()


def worked_off(stack: Stack, run: str, until: datetime) -> bool:
    """Whether the newest row that the worker has counted is of this time."""
    url = f"{stack.workers[0].url}/api/v1/state"
    reported = httpx.get(url, params={"run": run}, headers=WITH_IT).json()
    return bool(reported.get("event_time") == to_iso(until.timestamp()))


def duplicates(stack: Stack) -> int:
    """Frames that the worker has passed over as counted already."""
    health = httpx.get(f"{stack.workers[0].url}/api/v1/health", headers=WITH_IT).json()
    return int(health["counters"]["duplicates"])


def two_winter_days(stack: Stack, run: str) -> list[bytes]:
    """Frames of a replay, a line each, as another program might write them."""
    path = stack.directory / f"{run}.jsonl"
    done = stack.command("replay", "--run", run, *SPAN, "--output", str(path))
    assert done.returncode == 0, done.stderr
    return path.read_bytes().splitlines()


def test_lines_of_another_program_are_analysed_like_a_replay(stack: Stack, replayed: str) -> None:
    lines = two_winter_days(stack, "lines")
    bad = b'{"run": "lines"}'
    written = b"\n".join([lines[0], bad, *lines[1:]])
    done = stack.command("feed", "lines", given=written.decode())
    assert done.returncode == 4
    assert "line 2 refused: invalid" in done.stderr
    assert "1 lines refused" in done.stderr
    assert stack.verify("lines")["ok"]
    assert stack.episodes("lines") == replayed


def test_what_is_posted_again_counts_once(stack: Stack, replayed: str) -> None:
    lines = two_winter_days(stack, "posted")
    with httpx.Client(base_url=stack.workers[0].url, headers=WITH_IT, timeout=30) as client:
        for at in range(0, len(lines), 3):
            body = b"\n".join(lines[at : at + 3])
            for _ in range(2):  # as if the first answer had been lost
                answer = client.post("/api/v1/measurements", content=body)
                assert answer.status_code == 200, answer.text
                assert answer.json()["frames"] == len(lines[at : at + 3])
    assert stack.verify("posted")["ok"]
    assert stack.episodes("posted") == replayed


def test_of_what_is_posted_all_is_taken_or_nothing(stack: Stack) -> None:
    lines = two_winter_days(stack, "partly")
    url = f"{stack.workers[0].url}/api/v1/measurements"
    answer = httpx.post(url, content=b"\n".join([*lines[:2], b"{}"]), headers=WITH_IT)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "invalid"
    assert answer.json()["error"].startswith("line 3: ")
    verdict = stack.command("verify", "--run", "partly")
    assert verdict.returncode != 0
    assert "partly" in verdict.stderr


def test_entsoe_is_looked_at_again_and_again_and_a_run_is_gone_on_with(stack: Stack) -> None:
    start = (datetime.now(UTC) - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    since = ["--since", start.isoformat()]
    with entsoe_platform(start + timedelta(hours=5)) as platform:
        stack.environment["ENTSOE_ENDPOINT_URL"] = platform.url
        words = ["feed", "entsoe", "--run", "live", "--every", "1"]

        def rows() -> list[int]:
            return asyncio.run(hours_sent(stack, "live", start))

        feed = stack.start(*words, *since)
        wait_for(lambda: rows() == sorted(4 * list(range(5))), "five hours of four zones")
        platform.until += timedelta(hours=2)
        wait_for(lambda: rows() == sorted(4 * list(range(7))), "two hours more")
        os.kill(feed.pid, signal.SIGKILL)
        platform.until += timedelta(hours=3)
        stack.start(*words)
        wait_for(lambda: rows() == sorted(4 * list(range(10))), "the rest, after a kill")
        newest = start + timedelta(hours=9)
        wait_for(lambda: worked_off(stack, "live", newest), "the worker has seen all of it")
        assert stack.verify("live")["ok"]


@pytest.mark.kafka  # the embedded broker cannot delete records
def test_after_the_topics_retention_a_feed_goes_on_behind_what_was_counted(stack: Stack) -> None:
    start = (datetime.now(UTC) - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    with entsoe_platform(start + timedelta(hours=5)) as platform:
        stack.environment["ENTSOE_ENDPOINT_URL"] = platform.url
        words = ["feed", "entsoe", "--run", "kept", "--every", "1"]
        feed = stack.start(*words, "--since", start.isoformat())
        newest = start + timedelta(hours=4)
        wait_for(lambda: worked_off(stack, "kept", newest), "the worker has seen five hours")
        processes.stop(feed)
        asyncio.run(expire(stack, MEASUREMENTS))
        assert asyncio.run(hours_sent(stack, "kept", start)) == []
        platform.until += timedelta(hours=3)
        before = duplicates(stack)
        stack.start(*words)
        newest = start + timedelta(hours=7)
        wait_for(lambda: worked_off(stack, "kept", newest), "the worker counts what comes")
        assert asyncio.run(hours_sent(stack, "kept", start)) == sorted(4 * [5, 6, 7])
        assert duplicates(stack) == before
