"""What the consumer fetches, holds in its hand, delivers and forgets."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from faust.types import TP

from gridstress.faust_fixes import producer
from gridstress.faust_fixes.errors import Hints
from gridstress.faust_fixes.fetched_batches import Undecodable
from tests.support.memory import Halted, Log, halt, lone_consumer

A, B = TP("zones", 0), TP("zones", 1)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def consumer(log: Log) -> Any:
    consumer = lone_consumer("zones")
    consumer._active_partitions = {A, B}
    consumer._getmany = log.getmany
    consumer.highwater = lambda tp: 100
    consumer._thread.is_behind = lambda tp: tp in log.waiting
    consumer._thread.next_offset = log.position.get
    consumer.earliest_offsets, consumer.highwaters = log.earliest_offsets, log.highwaters
    return consumer


async def delivered(consumer: Any) -> list[tuple[int, int]]:
    """Partition and offset of what one fetch brings."""
    return [(m.partition, m.offset) async for _, m in consumer.getmany(1.0)]


async def test_zones_come_in_step(consumer: Any, log: Log) -> None:
    log.put(A, 1, 2, 3)
    log.put(B, 1, 2)
    assert await delivered(consumer) == [(0, 1), (1, 1), (0, 2), (1, 2), (0, 3)]


async def test_what_must_wait_stays_buffered_and_only_the_others_are_fetched(
    consumer: Any, log: Log
) -> None:
    consumer._thread.is_behind = lambda tp: tp == B
    log.put(A, 1, 2)
    assert await delivered(consumer) == []
    log.put(B, 1)
    consumer._thread.is_behind = lambda tp: False
    assert await delivered(consumer) == [(0, 1), (1, 1), (0, 2)]
    assert log.asked == [{A, B}, {B}]


async def test_what_is_buffered_is_forgotten_with_its_partition(consumer: Any, log: Log) -> None:
    consumer._buffered_partitions = {B}
    log.put(A, 1)
    assert await delivered(consumer) == []
    consumer._forget([A])
    consumer._buffered_partitions = set()
    log.put(B, 5)
    assert await delivered(consumer) == [(1, 5)]


async def test_after_a_rewind_nothing_is_buffered(consumer: Any, log: Log) -> None:
    """A fetch may bring in records of a partition that was given up meanwhile."""
    consumer._buffered_partitions = {B}
    log.put(A, 1)
    await delivered(consumer)

    async def seek(*_: Any) -> None: ...

    consumer.perform_seek = consumer.seek_wait = consumer._commit = seek
    consumer.assignment = lambda: {B}
    await consumer.rewind()
    assert not consumer._buffer


async def test_no_more_is_delivered_once_the_flow_has_stopped(consumer: Any, log: Log) -> None:
    log.put(A, 1, 2, 3)
    found = []
    async for _, message in consumer.getmany(1.0):
        found.append(message.offset)
        consumer.stop_flow()
    assert found == [1]


async def test_a_full_stream_is_waited_for_without_asking_the_broker(
    consumer: Any, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridstress.faust_fixes.consumer.FETCH_S", 60.0)
    consumer._active_partitions = {A}
    log.put(A, 1, 2)
    found = []
    async for _, message in consumer.getmany(1.0):
        found.append(message.offset)
        consumer.on_buffer_full(A)
    assert found == [1]
    waiting = asyncio.create_task(delivered(consumer))
    await asyncio.sleep(0)
    consumer.on_buffer_drop(A)
    assert await asyncio.wait_for(waiting, 5) == [(0, 2)]
    assert len(log.asked) == 1


# --- what cannot be read


@pytest.fixture
def lost(consumer: Any) -> list[tuple[int, int, int]]:
    """What is reported: partition, first offset, the one behind the last."""
    found: list[tuple[int, int, int]] = []

    async def on_lost(tp: TP, first: int, upto: int) -> None:
        found.append((tp.partition, first, upto))

    consumer.transport.on_lost = on_lost
    return found


async def rewound(consumer: Any, committed: dict[TP, int]) -> dict[TP, int]:
    """Where each partition is sought to, after a rewind to these commits."""
    sought: dict[TP, int] = dict(committed)

    async def seek_to_committed() -> dict[TP, int | None]:
        return {A: committed.get(A), B: committed.get(B)}

    async def seek_wait(places: dict[TP, int]) -> None:
        sought.update(places)

    async def commit(places: dict[TP, int]) -> bool:
        consumer.places = places
        return True

    consumer.seek_to_committed, consumer.seek_wait = seek_to_committed, seek_wait
    consumer._commit = commit
    consumer.assignment = lambda: {A, B}
    await consumer.rewind()
    return sought


async def test_a_commit_before_the_beginning_of_the_log_is_reported_and_not_twice(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    log.begins = {A: 30, B: 5}
    assert await rewound(consumer, {A: 10}) == {A: 30, B: 5}
    assert lost == [(0, 10, 30)], "of B nothing was ever read, so nothing is lost"
    assert consumer._new_offset(A) == 30, "with the next commit it is done with"
    log.put(A, 30, 31)
    assert await delivered(consumer) == [(0, 30), (0, 31)]
    assert lost == [(0, 10, 30)]


async def test_what_is_deleted_before_anything_was_read_is_reported(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    await rewound(consumer, {A: 7})
    assert consumer.places == {B: 0}, "every partition has a place from the first assignment on"
    log.begins = {B: 30}
    assert await rewound(consumer, {A: 7, B: 0}) == {A: 7, B: 30}
    assert lost == [(1, 0, 30)]


async def test_of_a_group_whose_commits_have_expired_all_that_was_deleted_is_reported(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    consumer.transport.is_new_group = lambda: False
    log.begins = {A: 30}
    await rewound(consumer, {})
    assert lost == [(0, 0, 30)]


async def test_what_is_deleted_while_a_worker_reads_is_reported_before_what_follows(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    await rewound(consumer, {A: 1, B: 1})
    log.put(A, 1, 2)
    assert await delivered(consumer) == [(0, 1), (0, 2)]
    log.begins[A] = 50
    log.put(A, 50)
    async for _, message in consumer.getmany(1.0):
        assert (message.offset, lost) == (50, [(0, 3, 50)])


async def test_a_deleted_end_is_reported_though_nothing_follows(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    await rewound(consumer, {A: 1, B: 1})
    log.begins[A] = log.position[A] = 50  # where aiokafka goes on by itself
    assert await delivered(consumer) == []
    assert await delivered(consumer) == []
    assert lost == [(0, 1, 50)]


async def test_a_hole_is_reported_only_behind_what_is_in_hand(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    """aiokafka goes on behind it in the background, while records from before it wait here."""
    consumer.app.topics._acking_topics.add(A.topic)
    await rewound(consumer, {A: 1, B: 1})
    consumer._thread.is_behind = lambda tp: tp == B
    log.put(A, 1, 2)
    assert await delivered(consumer) == []
    log.begins[A] = log.position[A] = 50
    assert await delivered(consumer) == []
    assert (lost, consumer._new_offset(A)) == ([], None)
    consumer._thread.is_behind = lambda tp: False
    async for _, message in consumer.getmany(1.0):
        await consumer._hand_over(message)
    assert list(consumer._handed_over[A]) == [1, 2]
    assert await delivered(consumer) == []
    assert lost == [(0, 3, 50)]
    assert consumer._new_offset(A) is None, "not past what no stream has acknowledged"
    consumer._acked_index[A].update({1, 2})
    assert consumer._new_offset(A) == 50


async def test_a_hole_that_a_transaction_left_is_not_reported(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    await rewound(consumer, {A: 1, B: 1})
    log.put(A, 3, 4)
    assert await delivered(consumer) == [(0, 3), (0, 4)]
    assert lost == []


async def test_the_mark_that_ends_a_transaction_is_committed_over(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    """Else it would be taken for a loss once retention has passed it."""
    consumer.app.topics._acking_topics.add(A.topic)
    await rewound(consumer, {A: 1, B: 1})
    log.put(A, 1)
    async for _, message in consumer.getmany(1.0):
        await consumer._hand_over(message)
    log.position[A] = 3
    assert await delivered(consumer) == []
    assert consumer._new_offset(A) is None, "not past what no stream has acknowledged"
    consumer._acked_index[A].add(1)
    assert consumer._new_offset(A) == 3
    assert set(consumer._filter_tps_with_pending_acks()) >= {A}
    assert lost == []


async def test_a_log_that_ends_before_the_commit_is_read_again(
    consumer: Any, log: Log, lost: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Stock drops every new record up to the old end: it has read these offsets."""
    log.begins, log.ends = {A: 2}, {A: 4}
    assert await rewound(consumer, {A: 10, B: 3}) == {A: 2, B: 3}
    assert consumer.places == {A: 2}, "before new records hide what has happened"
    assert consumer._read_offset.get(A) is None
    (message,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "zones/0: the broker has lost records that it had acknowledged: offset 9 was" in message
    log.put(A, 2, 3, 4)
    assert await delivered(consumer) == [(0, 2), (0, 3), (0, 4)]
    assert lost == [], "no dead letter: they were read"


@pytest.mark.parametrize("follows", [pytest.param(True, id="records"), pytest.param(False, id="-")])
async def test_a_log_that_is_truncated_while_a_worker_reads_ends_the_worker(
    consumer: Any, log: Log, follows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "halt", halt)
    await rewound(consumer, {A: 1, B: 1})
    log.put(A, 1, 2, 3)
    await delivered(consumer)
    log.position[A] = 0  # where aiokafka goes on by itself
    if follows:
        log.put(A, 0, 1)
    with pytest.raises(Halted, match="zones/0 was truncated"):
        await delivered(consumer)
    assert consumer.places == {A: 0}, "where the next worker begins"


def undecodable(log: Log) -> None:
    log.put(A, 1, 4, 5)
    batch = Undecodable(b"batch")
    batch.first, batch.cause = 2, "ValueError: the checksum is wrong"
    log.waiting[A][1].value = batch


async def test_a_batch_that_cannot_be_decoded_ends_the_worker_with_the_way_past_it(
    consumer: Any, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "halt", halt)
    undecodable(log)
    consumer.transport.hints = Hints(undecodable="To skip it: skip {topic} {partition} {offset}")
    way = "zones/0@2: .*checksum is wrong.*To skip it: skip zones 0 2$"
    with pytest.raises(Halted, match=way):
        await delivered(consumer)


async def test_a_batch_that_an_operator_has_skipped_is_passed_over(consumer: Any, log: Log) -> None:
    asked = []

    async def is_skipped(tp: TP, batch: Undecodable) -> bool:
        asked.append((tp, batch.first))
        return True

    consumer.transport.is_skipped = is_skipped
    undecodable(log)
    assert await delivered(consumer) == [(0, 1), (0, 5)]
    assert asked == [(A, 2)]
    assert consumer._new_offset(A) == 5, "it is committed over"


async def begun(consumer: Any) -> asyncio.Task[list[tuple[int, int]]]:
    """A fetch behind two records that no stream has acknowledged."""
    consumer.app.topics._acking_topics.add(A.topic)
    for offset in (1, 2):
        consumer._handed_over[A].append(offset)
    return asyncio.create_task(delivered(consumer))


async def taken_away(consumer: Any) -> None:
    consumer.stop_flow()
    consumer._forget([A])


async def test_a_hole_is_not_passed_once_the_partition_is_given_up(
    consumer: Any, log: Log, lost: list[Any]
) -> None:
    """Records before it are not acknowledged: who has the partition next must read them."""
    await rewound(consumer, {A: 3, B: 1})
    asked, answer = asyncio.Event(), asyncio.Event()

    async def earliest(*tps: TP) -> dict[TP, int]:
        asked.set()
        await answer.wait()
        return dict.fromkeys(tps, 0)

    consumer.earliest_offsets = earliest
    log.position[A] = 4
    fetch = await begun(consumer)
    await asked.wait()
    await taken_away(consumer)
    answer.set()
    assert await fetch == []
    assert consumer._new_offset(A) is None


async def test_a_batch_is_not_passed_over_once_the_partition_is_given_up(
    consumer: Any, log: Log
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def is_skipped(*_: Any) -> bool:
        asked.set()
        return await answer.wait()

    consumer.transport.is_skipped = is_skipped
    undecodable(log)
    del log.waiting[A][0]
    fetch = await begun(consumer)
    await asked.wait()
    await taken_away(consumer)
    answer.set()
    assert await fetch == []
    assert consumer._new_offset(A) is None


@pytest.mark.parametrize("timestamp", [None, -1, -(2**62), 2**63 - 1])
async def test_a_record_of_any_time_has_one_that_can_be_reckoned_with(
    consumer: Any, log: Log, timestamp: int | None
) -> None:
    log.put(A, 1)
    log.waiting[A][0].timestamp = timestamp
    async for _, message in consumer.getmany(1.0):
        datetime.fromtimestamp(message.timestamp, UTC)
