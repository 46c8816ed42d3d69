"""Whose view of a shard counts, on a real broker: the owner's, whatever any clock says."""

import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from gridstress.kafka.topics import STATUS, VIEW, changelog
from tables.view_epoch import ViewEpoch
from tests.integration.harness import Stack, records, two_days, wait_for

pytestmark = pytest.mark.integration

AHEAD_S = 600.0


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with two_days(broker, tmp_path_factory.mktemp("stack")) as running:
        yield running


def newest(stack: Stack) -> ConsumerRecord:
    """The last view of shard 0 under the linear model."""
    found = asyncio.run(records(stack.bootstrap, VIEW))
    key = msgspec.json.encode(("linear", "r", 0))
    return [record for record in found if record.key == key][-1]


class Workers:
    """Writes views of shard 0 as other workers would, each in an epoch and by a clock."""

    def __init__(self, stack: Stack, record: ConsumerRecord) -> None:
        assert record.key is not None
        assert record.value is not None
        self.stack, self.record = stack, record
        self.view = msgspec.json.decode(record.value)
        self._rounds = 0

    def publish(self, *views: tuple[str | None, ViewEpoch, float]) -> str | None:
        """Append views (None: a tombstone); give the worker whose view is shown then.

        Parameters
        ----------
        views
            Worker, epoch, and how far its clock is ahead, s.
        """
        self._rounds += 1
        barrier = f"barrier-{self._rounds}"
        values = [self._record(*view) for view in views]
        last = {"run": barrier, "published_at": time.time()}
        key = msgspec.json.encode(("linear", barrier, 0))
        # In another group's name: the owner would remove the view of a run that it does not know.
        epoch = ViewEpoch(1, "another-changelog")
        values.append((key, msgspec.json.encode(self.view | last), epoch))
        asyncio.run(self._send(values))
        worker = self.stack.workers[0]

        def read() -> bool:
            runs = worker.get("runs")["runs"]
            return any(run["run"] == barrier for run in runs)

        wait_for(read, f"{barrier} has been read")
        parts = worker.get("state", model="linear", run="r").get("parts", [])
        return next((part["worker"] for part in parts if part["shard"] == 0), None)

    def _record(
        self, worker: str | None, epoch: ViewEpoch, ahead_s: float
    ) -> tuple[bytes, bytes | None, ViewEpoch]:
        key: bytes = self.record.key  # type: ignore[assignment]
        if worker is None:
            return key, None, epoch
        fields = {"worker": worker, "published_at": time.time() + ahead_s}
        return key, msgspec.json.encode(self.view | fields), epoch

    async def _send(self, values: Sequence[tuple[bytes, bytes | None, ViewEpoch]]) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.stack.bootstrap, max_request_size=2 << 20
        )
        await producer.start()
        try:
            for key, value, epoch in values:
                await producer.send_and_wait(
                    VIEW, value, key=key, partition=self.record.partition, headers=[epoch.header]
                )
        finally:
            await producer.stop()


def test_views_are_ordered_by_the_owners_epoch_and_not_by_clocks(stack: Stack) -> None:
    record = newest(stack)
    epoch = ViewEpoch.of(record.headers)
    assert epoch.changelog == changelog(stack.settings.group, "linear")
    assert epoch.number >= 1
    former, following = (epoch._replace(number=epoch.number + n) for n in (-1, 1))
    others = Workers(stack, record)
    assert others.publish(("ahead", epoch, AHEAD_S)) == "ahead"
    assert others.publish(("next", following, -AHEAD_S)) == "next"
    assert others.publish(("zombie", epoch, AHEAD_S)) == "next"
    assert others.publish((None, former, 0), (None, epoch, 0)) == "next"
    assert others.publish((None, following, 0)) is None
    assert others.publish(("zombie", epoch, AHEAD_S)) is None


def test_a_worker_whose_clock_is_wrong_is_neither_gone_nor_here_for_ever(stack: Stack) -> None:
    worker = stack.workers[0]
    known = worker.status()
    assert worker.get("system")["workers"][1:] == []
    names = {"behind": -AHEAD_S, "ahead": AHEAD_S}
    sent = [
        (name, msgspec.json.encode(known | {"worker": name, "seen_at": time.time() + apart_s}))
        for name, apart_s in names.items()
    ]

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap)
        await producer.start()
        try:
            for name, value in sent:
                await producer.send_and_wait(STATUS, value, key=name.encode())
        finally:
            await producer.stop()

    asyncio.run(send())

    def shown() -> dict[str, float]:
        system = worker.get("system")
        return {w["worker"]: system["now"] - w["seen_at"] for w in system["workers"]}

    wait_for(lambda: names.keys() <= shown().keys(), "both are shown")
    ages = shown()
    assert all(-1 < ages[name] < 10 for name in names), ages
