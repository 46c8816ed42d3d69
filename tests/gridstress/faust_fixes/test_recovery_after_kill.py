"""Real workers on a real broker, killed while they work: nothing lost, doubled or mixed up."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from gridstress.faust_fixes.fencing import NO_OWNER, Epoch, counts, is_fence
from gridstress.faust_fixes.producer import EXIT_UNDELIVERED
from gridstress.kafka.topic_reader import scan_topic
from gridstress.local import processes
from tests.gridstress.faust_fixes import recovery_app
from tests.gridstress.faust_fixes.recovery_app import CHANGELOG, PARTITIONS

pytestmark = pytest.mark.integration

FAUST_IS = "safe"
"""``stock`` to see how Faust does without the corrections."""

RECORDS_PER_S = 200
PATIENCE_S = 60.0
"""A machine that is busy with other things is slow, not wrong."""

ROOT = Path(__file__).parents[3]


class Worker:
    """A worker process with a data directory of its own; started again, it finds it again."""

    def __init__(
        self, broker: str, directory: Path, name: str, *, store: str, work_s: float
    ) -> None:
        self.directory = directory
        self.options = {
            "broker": broker,
            "datadir": str(directory),
            "faust_is": FAUST_IS,
            "store": store,
            "group": name,
            "source": f"{name}-numbers",
            "work_s": work_s,
        }
        directory.mkdir()
        self.log = directory / "log.txt"

    def start(self) -> None:
        self.recovered_before = len(self.recovered())
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, recovery_app.__file__, json.dumps(self.options)),
                    *("worker", "-l", "info", "--web-port", str(processes.free_port())),
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
        await _until(lambda: len(self.recovered()) > self.recovered_before)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - another process meets it
            await asyncio.sleep(0.1)


@pytest.fixture
def start(broker: str, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start a worker; all of them have ended when the test has."""
    workers: list[Worker] = []

    def start_one(name: str, store: str, work_s: float = 0.0) -> Worker:
        directory = tmp_path / f"worker-{len(workers)}"
        workers.append(Worker(broker, directory, name, store=store, work_s=work_s))
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
    """What counts in every partition of the table's changelog, in order, read without Faust."""
    return (await both_sides(broker, name))[0]


async def both_sides(
    broker: str, name: str
) -> tuple[list[list[tuple[str, Any]]], list[list[tuple[str, Any]]]]:
    """What counts in the changelog, and what does not: by partition, in order."""
    topic = CHANGELOG.format(group=name)
    valid: list[list[tuple[str, Any]]] = [[] for _ in range(PARTITIONS)]
    passed_over: list[list[tuple[str, Any]]] = [[] for _ in range(PARTITIONS)]
    current = [NO_OWNER] * PARTITIONS
    async for record in scan_topic(broker, topic):
        epoch, partition = Epoch.of(record.headers), record.partition
        counted = counts(epoch, current[partition])
        if counted:
            current[partition] = epoch
        if not is_fence(record.key):
            value = None if record.value is None else json.loads(record.value)
            (valid if counted else passed_over)[partition].append((json.loads(record.key), value))
    return valid, passed_over


def in_order(a: int, b: int, c: int) -> bool:
    """Whether these can be the last numbers written, if each is written to a, then b, then c."""
    return a >= b >= c >= a - 1


@pytest.mark.kafka
@pytest.mark.timeout(900)  # it has a time-out of its own, without progress
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
            await _until(lambda enough=enough: sum(sent) > enough)  # type: ignore[misc]
    log, written = await changelog(broker, name), 0
    while any(rows[-1][1][0] < sent[p] - 1 or rows[-1][0][0] != "c" for p, rows in enumerate(log)):
        if sum(map(len, log)) > written:  # a slow machine may take as long as it likes
            written, deadline = sum(map(len, log)), time.monotonic() + PATIENCE_S
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
            found = [recovered.get(f"{dead_letter}{partition}", [-1])[0] for dead_letter in "abc"]
            assert in_order(*found), f"not a beginning of what was written: {found}"


@pytest.mark.kafka_too
async def test_a_worker_that_cannot_write_its_table_ends_and_does_not_commit(
    broker: str, start: Callable[..., Worker]
) -> None:
    name = "undelivered"
    await create_topic(broker, f"{name}-numbers")
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker) as producer:
        for value in (b"0", b"1", b"too large", b"2"):
            await producer.send_and_wait(f"{name}-numbers", value, partition=0)
    worker = start(name, "memory")
    await _until(lambda: worker.process.poll() is not None)
    assert worker.process.returncode == EXIT_UNDELIVERED
    assert "worker ends without committing: a table write cannot be sent" in worker.log.read_text()
    source = TopicPartition(f"{name}-numbers", 0)
    async with aiokafka.AIOKafkaConsumer(bootstrap_servers=broker, group_id=name) as group:
        group.assign([source])
        assert (await group.committed(source) or 0) <= 2


@pytest.mark.kafka
@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_what_a_worker_writes_after_others_took_over_does_not_count(
    broker: str, start: Callable[..., Worker], store: str
) -> None:
    name, each = f"zombie-{store}", 25
    await create_topic(broker, f"{name}-numbers")
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker) as producer:
        for number in range(each):
            for partition in range(PARTITIONS):
                await producer.send(f"{name}-numbers", b"%d" % number, partition=partition)

    async def last_written() -> list[Any]:
        return [dict(rows).get(f"c{p}") for p, rows in enumerate(await changelog(broker, name))]

    async def reached(done: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await done():  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(0.2)

    async def has_begun() -> bool:
        return any(last and last[0] > 1 for last in await last_written())

    everything = [[each - 1, each]] * PARTITIONS

    async def has_finished() -> bool:
        return await last_written() == everything

    async def has_written_late() -> bool:
        return any((await both_sides(broker, name))[1])

    sleeper = start(name, store, work_s=0.2)  # so that it is in the middle of its work
    await sleeper.working()
    await reached(has_begun)
    sleeper.process.send_signal(signal.SIGSTOP)
    successor = start(name, store)
    await successor.working()
    await reached(has_finished)
    sleeper.recovered_before = len(sleeper.recovered())
    sleeper.process.send_signal(signal.SIGCONT)
    await reached(has_written_late)
    late = [dict(rows) for rows in (await both_sides(broker, name))[1] if rows]
    assert any(row[0] < each - 1 for rows in late for row in rows.values()), "nothing was undone"
    await sleeper.working()
    for worker in (sleeper, successor):
        worker.kill()
    heir = start(name, store)
    await heir.working()
    expected = {
        f"{dead_letter}{p}": [each - 1, each] for dead_letter in "abc" for p in range(PARTITIONS)
    }
    # The group may count the killed workers in at first, and give the heir a part only.
    await _until(lambda: heir.recovered()[-1].keys() == expected.keys())
    assert all(rows.items() <= expected.items() for rows in heir.recovered())
    assert await last_written() == everything
    by_key: dict[str, Any] = {}
    async for record in scan_topic(broker, CHANGELOG.format(group=name)):
        if not is_fence(record.key):
            by_key[json.loads(record.key)] = json.loads(record.value)
    assert by_key == expected, "the log has not been mended: compaction would keep the late writes"
