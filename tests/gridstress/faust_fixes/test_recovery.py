"""What happens around a rebalance. Each test also shows what stock Faust does."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from aiokafka import ConsumerRecord
from faust.tables.recovery import RebalanceAgain, ServiceStopped
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from gridstress.faust_fixes.errors import FaustFixError
from gridstress.faust_fixes.fenced_table import FencedTable
from gridstress.faust_fixes.producer import SafeConsumer
from gridstress.faust_fixes.recovery import SafeRecovery, SafeTableManager, make_safe, safe_settings

SOURCE = TP("source", 0)
CHANGELOG = TP("rebalance-t-changelog", 0)
GENERATION = 7


class Bench:
    """The real consumer, fetch loop and recovery of an app, on a log of records in memory.

    `position` is the broker-side reading position, which a fetch moves forward. A seek takes
    until something was delivered, or for ever so long if nothing is.
    """

    def __init__(self, *, safe: bool) -> None:
        self.app = cast(
            Any, faust.App("rebalance", broker="kafka://127.0.0.1:1", store="memory://")
        )
        if safe:
            make_safe(self.app)
        self.app.Table("t")
        self.app.consumer_generation_id = GENERATION
        self.position = 0
        self.delivered: list[int] = []
        self.any_delivered = asyncio.Event()
        self.queue = self.app.FlowControlQueue(maxsize=10_000, clear_on_resume=True)
        kind: Any = SafeConsumer if safe else stock.Consumer
        consumer = self.consumer = self.app.consumer = kind(
            self.app.transport,
            callback=self._deliver,
            on_partitions_revoked=self._nothing,
            on_partitions_assigned=self._nothing,
        )
        consumer._getmany = self._getmany
        consumer.seek_to_committed = self._seek_to_committed
        consumer.seek_wait = self._seek
        consumer.assignment = lambda: {SOURCE, CHANGELOG}
        consumer.highwater = lambda tp: 1_000
        consumer.earliest_offsets, consumer.highwaters = self._earliest, self._ends
        consumer._thread.next_offset = lambda tp: None
        self.fetcher = self.app._fetcher

        async def running() -> None: ...

        self.fetcher.maybe_start = running
        # As stock leaves things when tables have been read: records flow, the source is paused.
        consumer._active_partitions = {CHANGELOG}
        consumer._paused_partitions = {SOURCE}
        self.app.flow_control.resume()
        consumer.resume_flow()
        self.recovery: Any = self.app.tables.recovery
        self.recovery._generation_id = GENERATION

    async def _nothing(self, *_: Any) -> None: ...

    async def _deliver(self, message: Any) -> None:
        await self.app.flow_control.acquire()
        self.queue.put_nowait(message.offset)
        self.any_delivered.set()

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109
        await asyncio.sleep(0.01)
        if SOURCE not in active_partitions:
            return {}
        self.position += 1
        return {SOURCE: [_record(self.position - 1)]}

    async def _seek_to_committed(self) -> dict[TP, int]:
        self.position = 3
        await self.on_seek()
        return {SOURCE: 3}

    async def on_seek(self) -> None:
        await asyncio.wait([asyncio.ensure_future(self.any_delivered.wait())], timeout=0.3)

    async def _earliest(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    async def _ends(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 1_000)

    async def _seek(self, offsets: dict[TP, int]) -> None:
        self.sought = offsets

    async def complete(self) -> None:
        """Run the end of a recovery while the fetch loop runs."""
        loop = asyncio.create_task(self.consumer._drain_messages(self.fetcher))
        await asyncio.sleep(0)
        try:
            await self.recovery.on_recovery_completed(GENERATION)
            await asyncio.wait_for(self._third(), 5)
        finally:
            loop.cancel()
            await asyncio.wait([loop])

    async def _third(self) -> None:
        while len(self.delivered) < 3:
            self.delivered.append(await self.queue.get())


def _record(offset: int) -> Any:
    return ConsumerRecord(SOURCE.topic, 0, offset, 0, 0, b"k", b"v", None, 1, 1, [])


async def test_no_record_is_lost_while_the_positions_are_set() -> None:
    safe, stock_bench = Bench(safe=True), Bench(safe=False)
    await safe.complete()
    assert safe.delivered == [3, 4, 5]
    await stock_bench.complete()
    assert stock_bench.delivered[0] > 3, "stock no longer drops what comes while it seeks"


async def test_a_worker_whose_partitions_are_being_revoked_does_not_go_on() -> None:
    async def rebalance_begins_while_seeking(bench: Bench) -> Any:
        async def on_seek() -> None:
            bench.consumer.stop_flow()
            bench.app.rebalancing_count += 1

        bench.on_seek = on_seek  # type: ignore[method-assign]
        return await bench.recovery.on_recovery_completed(GENERATION)

    safe, stock_bench = Bench(safe=True), Bench(safe=False)
    loop = asyncio.create_task(safe.consumer._drain_messages(safe.fetcher))
    with pytest.raises(RebalanceAgain):
        await rebalance_begins_while_seeking(safe)
    loop.cancel()
    assert not safe.consumer.flow_active
    assert SOURCE not in safe.consumer._active_partitions
    await rebalance_begins_while_seeking(stock_bench)
    assert stock_bench.consumer.flow_active
    assert SOURCE in stock_bench.consumer._active_partitions


async def test_a_broker_that_does_not_answer_ends_the_worker_rather_than_its_work() -> None:
    never = asyncio.Event()
    with pytest.raises(FaustFixError, match=r"did not answer within 0.05 s"):
        await Bench(safe=True).recovery._wait(never.wait(), timeout=0.05)
    with pytest.raises(ServiceStopped):
        await Bench(safe=False).recovery._wait(never.wait(), timeout=0.05)


async def test_a_partition_without_a_commit_is_read_from_its_beginning() -> None:
    bench = Bench(safe=True)

    async def nothing_committed() -> dict[TP, None]:
        return {SOURCE: None}

    committed: list[dict[TP, int]] = []

    async def commit(places: dict[TP, int]) -> None:
        committed.append(places)

    bench.consumer.seek_to_committed, bench.consumer._commit = nothing_committed, commit
    await bench.consumer.rewind()
    assert bench.sought == {SOURCE: 0}
    assert committed == [{SOURCE: 0}], "from now on it has a place"


# --- local tables


def test_a_disk_that_is_ahead_of_the_changelog_would_be_mixed_up(tmp_path: Path) -> None:
    app: Any = faust.App("ahead", broker="kafka://127.0.0.1:1", datadir=str(tmp_path))
    app.conf.store = "rocksdb://?driver=rocksdict"
    (Path(app.conf.tabledir)).mkdir(parents=True)
    disk = app.Table("t").data
    # Written, in this order: x=1, x=2, x=3, y=1. Acknowledged when killed: x=1. Sent: up to x=2.
    database = disk._db_for_partition(0)
    database.put(b"x", b"3")
    database.put(b"y", b"1")
    disk.set_persisted_offset(CHANGELOG, 0)
    sent = ConsumerMessage(CHANGELOG.topic, 0, 1, 0.0, 0, [], b"x", b"2", None, 1, 1, CHANGELOG)
    disk.apply_changelog_batch([SimpleNamespace(message=sent)], to_key=bytes, to_value=bytes)
    assert (database.get(b"x"), database.get(b"y")) == (b"2", b"1"), "y=1 was written after x=3"


# --- putting it together


def new_app(**settings: Any) -> Any:
    return faust.App("together", broker="kafka://127.0.0.1:1", store="memory://", **settings)


def test_an_app_made_safe_uses_every_corrected_part() -> None:
    app = new_app(**safe_settings(10))
    make_safe(app)
    assert type(app.tables) is SafeTableManager
    assert type(app.tables.recovery) is SafeRecovery
    assert type(app.Table("t")) is FencedTable
    assert type(app.consumer) is SafeConsumer
    assert type(app.producer).__name__ == "SafeProducer"
    assert type(app.producer.buffer).__name__ == "SafeProducerBuffer"


def test_an_app_that_has_tables_already_cannot_be_made_safe() -> None:
    app = new_app()
    app.Table("t")
    with pytest.raises(FaustFixError, match="cannot be made safe any more"):
        make_safe(app)


def test_another_faust_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faust, "__version__", "0.16.0")
    with pytest.raises(FaustFixError, match=r"Faust 0\.16\.0 is installed"):
        make_safe(new_app())


@pytest.mark.parametrize("session_s", [6, 10, 45])
def test_faust_accepts_the_settings(session_s: float) -> None:
    settings = safe_settings(session_s)
    conf = new_app(**settings).conf
    for name, value in settings.items():
        assert getattr(conf, name) == value or cast(Any, getattr(conf, name)).value == value
    assert conf.broker_heartbeat_interval * 3 <= conf.broker_session_timeout
    assert conf.broker_session_timeout <= conf.broker_rebalance_timeout
    assert conf.broker_rebalance_timeout < conf.broker_request_timeout
