"""Real workers on a real broker, killed while they work: nothing lost, doubled or mixed up."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from gridstress.delivery import EXIT_UNDELIVERED
from gridstress.embedded_broker_fixes import log_ends
from tests.gridstress import recovery_app
from tests.gridstress.recovery_app import CHANGELOG, PARTITIONS

pytestmark = pytest.mark.integration

FAUST_IS = "safe"
"""To see how Faust does without the corrections: ``stock-true-ends``, or ``stock``."""

RECORDS_PER_S = 200
ROOT = Path(__file__).parents[2]


class Worker:
    """A worker process with a data directory of its own; started again, it finds it again."""

    def __init__(self, broker: str, directory: Path, name: str, *, store: str) -> None:
        self.directory = directory
        self.options = {
            "broker": broker,
            "datadir": str(directory),
            "faust_is": FAUST_IS,
            "store": store,
            "group": name,
            "source": f"{name}-numbers",
        }
        directory.mkdir()
        self.log = directory / "log.txt"

    def start(self) -> None:
        self.recovered_before = len(self.recovered())
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, recovery_app.__file__, json.dumps(self.options)),
                    *("worker", "-l", "info", "--web-port", str(_free_port())),
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def recovered(self) -> list[dict[str, Any]]:
        file = self.directory / "recovered.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    async def working(self) -> None:
        """Wait until it has been given its partitions and has recovered their tables."""
        await _until(lambda: len(self.recovered()) > self.recovered_before, 40)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - another process meets it
            await asyncio.sleep(0.1)


@pytest.fixture
def start(broker: str, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start a worker; all of them have ended when the test has."""
    workers: list[Worker] = []

    def start_one(name: str, store: str) -> Worker:
        workers.append(Worker(broker, tmp_path / f"worker-{len(workers)}", name, store=store))
        workers[-1].start()
        return workers[-1]

    yield start_one
    for worker in workers:
        worker.kill()


@asynccontextmanager
async def feeding(broker: str, topic: str) -> AsyncIterator[list[int]]:
    """Send 0, 1, 2, ... to every partition for as long as the block lasts; yields the counts."""
    sent = [0] * PARTITIONS
    begun, stop = time.monotonic(), asyncio.Event()

    async def feed(producer: Any) -> None:
        while not stop.is_set():
            partition = sum(sent) % PARTITIONS
            await producer.send(topic, b"%d" % sent[partition], partition=partition)
            sent[partition] += 1
            await asyncio.sleep(begun + sum(sent) / RECORDS_PER_S - time.monotonic())

    async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker, linger_ms=5) as producer:
        task = asyncio.create_task(feed(producer))
        yield sent
        stop.set()
        await task


async def create_topic(broker: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    await admin.close()


async def changelog(broker: str, name: str) -> list[list[tuple[str, Any]]]:
    """What every partition of the table's changelog holds, in order, read without Faust."""
    async with aiokafka.AIOKafkaConsumer(bootstrap_servers=broker) as consumer:
        tps = [TopicPartition(CHANGELOG.format(group=name), p) for p in range(PARTITIONS)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await log_ends(broker, await consumer.end_offsets(tps))
        rows: dict[TopicPartition, list[tuple[str, Any]]] = {tp: [] for tp in tps}
        while any(len(rows[tp]) < ends[tp] for tp in tps):
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                rows[tp] += [(json.loads(r.key), json.loads(r.value)) for r in records]
        return [rows[tp] for tp in tps]


def in_order(a: int, b: int, c: int) -> bool:
    """Whether these can be the last numbers written, if each is written to a, then b, then c."""
    return a >= b >= c >= a - 1


async def test_workers_that_are_killed_lose_nothing(
    broker: str, start: Callable[..., Worker]
) -> None:
    name, store = "killed", "rocksdb"
    await create_topic(broker, f"{name}-numbers")
    async with feeding(broker, f"{name}-numbers") as sent:
        workers = [start(name, store)]
        await workers[0].working()
        workers.append(start(name, store))
        await workers[1].working()
        for worker in workers:
            worker.kill()
            worker.start()
            await worker.working()
            enough = sum(sent) + 2 * RECORDS_PER_S
            await _until(lambda enough=enough: sum(sent) > enough, 10)  # type: ignore[misc]
    deadline = time.monotonic() + 30
    log = await changelog(broker, name)
    while any(rows[-1][1][0] < sent[p] - 1 or rows[-1][0][0] != "c" for p, rows in enumerate(log)):
        assert time.monotonic() < deadline, f"records are missing: {[r[-1] for r in log]} of {sent}"
        await asyncio.sleep(0.3)
        log = await changelog(broker, name)
    counted = [dict(rows)[f"c{partition}"][1] for partition, rows in enumerate(log)]
    assert counted == sent
    for rows in log:
        last = dict.fromkeys("abc", -1)
        for key, (number, _) in rows:
            last[key[0]] = number
            assert in_order(*last.values()), "the changelog is out of order"
    for recovered in (each for worker in workers for each in worker.recovered()):
        for partition in {key[1:] for key in recovered}:
            found = [recovered.get(f"{letter}{partition}", [-1])[0] for letter in "abc"]
            assert in_order(*found), f"not a beginning of what was written: {found}"


async def test_a_worker_that_cannot_write_its_table_ends_and_does_not_commit(
    broker: str, start: Callable[..., Worker]
) -> None:
    name = "undelivered"
    await create_topic(broker, f"{name}-numbers")
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker) as producer:
        for value in (b"0", b"1", b"too large", b"2"):
            await producer.send_and_wait(f"{name}-numbers", value, partition=0)
    worker = start(name, "memory")
    await _until(lambda: worker.process.poll() is not None, 40)
    assert worker.process.returncode == EXIT_UNDELIVERED
    assert "worker ends without committing: a table write cannot be sent" in worker.log.read_text()
    source = TopicPartition(f"{name}-numbers", 0)
    async with aiokafka.AIOKafkaConsumer(bootstrap_servers=broker, group_id=name) as group:
        group.assign([source])
        assert (await group.committed(source) or 0) <= 2
