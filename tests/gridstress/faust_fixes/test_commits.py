"""What is committed, and what a rebalance waits for. Each test also shows what stock Faust does."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from aiokafka.errors import IllegalGenerationError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from agents.running import run_stage
from gridstress.faust_fixes.producer import SafeConsumer, SafeTransport
from gridstress.faust_fixes.recovery import make_safe
from tests.support.memory import halt

SOURCE = TP("source", 0)


@pytest.fixture
def app() -> Any:
    app = cast(Any, faust.App("commits", broker="kafka://127.0.0.1:1", store="memory://"))
    app.transport = SafeTransport(app.conf.broker_consumer, app)
    app.topics._acking_topics.add(SOURCE.topic)
    return app


# --- commits


def message(offset: int) -> Any:
    return ConsumerMessage(
        SOURCE.topic, SOURCE.partition, offset, 0.0, 0, [], b"", b"", None, 0, 0, SOURCE
    )


def consumer_of(kind: Any, app: Any, on_revoked: Any = None) -> Any:
    async def nothing(*_: Any) -> None: ...

    return kind(
        app.transport,
        callback=nothing,
        on_partitions_revoked=on_revoked or nothing,
        on_partitions_assigned=nothing,
    )


async def read(consumer: Any, offsets: list[int]) -> dict[int, Any]:
    """Let the real fetch loop hand over records with these offsets."""
    messages = {offset: message(offset) for offset in offsets}
    fetcher = faust.transport.base.Fetcher(consumer.app)

    async def getmany(timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        for each in messages.values():
            yield SOURCE, each
        fetcher._stopped.set()

    consumer.getmany = getmany
    await consumer._drain_messages(fetcher)
    return messages


async def committable(kind: Any, app: Any, offsets: list[int], acked: list[int]) -> int | None:
    """Offset that would be committed after offset 3 was, and these were read and acked."""
    consumer = consumer_of(kind, app)
    consumer._committed_offset[SOURCE] = consumer._read_offset[SOURCE] = 3
    messages = await read(consumer, offsets)
    for offset in acked:
        consumer.ack(messages[offset])
    return cast(int | None, consumer._new_offset(SOURCE))


async def test_a_commit_does_not_jump_over_one_unacknowledged_record(app: Any) -> None:
    case = ([3, 4, 5, 6], [4, 5, 6])
    assert await committable(SafeConsumer, app, *case) is None
    assert await committable(stock.Consumer, app, *case) == 7


async def test_a_commit_does_not_count_the_record_behind_a_hole_as_acknowledged(app: Any) -> None:
    case = ([3, 4, 9, 10], [3, 4, 10])
    assert await committable(SafeConsumer, app, *case) == 5
    assert await committable(stock.Consumer, app, *case) == 11


@pytest.mark.parametrize(
    ("read", "acked", "commit"),
    [
        ([3, 4, 5], [3, 4, 5], 6),
        ([3, 4, 5], [5, 3, 4], 6),
        ([3, 4, 5], [3, 5], 4),
        ([3, 4, 9, 10], [3, 4, 9, 10], 11),
        ([100, 101], [100], 101),
        ([3, 4], [], None),
    ],
)
async def test_a_commit_is_the_oldest_unacknowledged_record(
    app: Any, read: list[int], acked: list[int], commit: int | None
) -> None:
    assert await committable(SafeConsumer, app, read, acked) == commit


async def test_a_commit_goes_on_where_the_last_one_ended(app: Any) -> None:
    consumer = consumer_of(SafeConsumer, app)
    messages = await read(consumer, [0, 1, 2, 3])
    commits = []
    for offset in (1, 0, 3, 2):
        consumer.ack(messages[offset])
        commits.append(consumer._new_offset(SOURCE))
    assert commits == [None, 2, None, 4]


async def commit_at_revocation(kind: Any, app: Any) -> int | None:
    committed: list[int | None] = []

    async def on_revoked(_: Any) -> None:
        committed.append(consumer._new_offset(SOURCE))

    consumer = consumer_of(kind, app, on_revoked)
    for each in (await read(consumer, [0, 1])).values():
        consumer.ack(each)
    await consumer.on_partitions_revoked({SOURCE})
    assert SOURCE not in consumer._acked or not consumer._acked[SOURCE]
    return committed[0]


async def test_what_was_acknowledged_is_committed_before_partitions_are_given_up(app: Any) -> None:
    assert await commit_at_revocation(SafeConsumer, app) == 2
    assert await commit_at_revocation(stock.Consumer, app) is None


# --- fetching


async def fetched_partitions(kind: Any, app: Any) -> set[TP]:
    """What a fetch asks for that was begun, and then every partition was paused."""
    consumer = consumer_of(kind, app)
    consumer._active_partitions = {SOURCE}

    async def getmany(active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109
        consumer.pause_partitions({SOURCE})
        return {"asked for": set(active_partitions)}

    consumer._getmany = getmany
    records, _ = await consumer._wait_next_records(1.0)
    return cast(set[TP], records["asked for"])


async def test_a_fetch_never_turns_into_one_of_all_partitions(app: Any) -> None:
    assert await fetched_partitions(SafeConsumer, app) == {SOURCE}
    assert await fetched_partitions(stock.Consumer, app) == set()


async def test_a_consumer_is_parked_only_when_its_fetch_has_ended(app: Any) -> None:
    consumer = consumer_of(SafeConsumer, app)
    consumer._active_partitions = {SOURCE}
    fetching, answer = asyncio.Event(), asyncio.Event()

    async def getmany(active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109
        fetching.set()
        await answer.wait()
        return {}

    async def seek() -> None: ...

    consumer._getmany, consumer.perform_seek = getmany, seek
    loop = asyncio.create_task(consumer._drain_messages(faust.transport.base.Fetcher(app)))
    await fetching.wait()
    parked = asyncio.create_task(consumer.park())
    done, _ = await asyncio.wait([parked], timeout=0.1)
    assert not done
    answer.set()
    await asyncio.wait_for(parked, 5)
    loop.cancel()
    await asyncio.wait([loop])


# --- the end of the streams' work


async def half_acknowledged(kind: Any, app: Any) -> Any:
    """A consumer with a record that one of two streams has finished and the other never took."""

    async def commit(*_: Any, **__: Any) -> bool:
        return False

    consumer = consumer_of(kind, app)
    each = (await read(consumer, [0]))[0]
    each.incref(2)
    consumer.track_message(each)
    each.ack(consumer)
    consumer.commit = commit
    consumer.held = each  # as the stream's own frame holds it, waiting for the next one
    return consumer


async def ends(consumer: Any, within_s: float) -> bool:
    """Whether the consumer stops waiting by itself; it swallows a cancellation."""
    waiting = asyncio.create_task(consumer.wait_empty())
    done, _ = await asyncio.wait([waiting], timeout=within_s)
    consumer._stopped.set()
    await waiting
    return bool(done)


async def test_a_record_that_one_of_two_streams_skipped_does_not_hold_up_the_stop(app: Any) -> None:
    consumer = await half_acknowledged(SafeConsumer, app)
    assert await ends(consumer, 3)
    assert consumer._new_offset(SOURCE) is None  # nor is it committed
    assert not await ends(await half_acknowledged(stock.Consumer, app), 2.5)


class AtWork:
    """A real agent that runs a stage, in the middle of a batch of two records."""

    def __init__(self) -> None:
        app: Any = faust.App("at-work", broker="kafka://127.0.0.1:1", store="memory://")
        make_safe(app)
        topic = app.topic(SOURCE.topic, key_type=bytes, value_type=bytes, value_serializer="raw")
        self.app, self.consumer = app, app.consumer
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.committed: list[dict[TP, int]] = []
        self.consumer._commit_offsets = self._commit
        app.topics._acking_topics.add(SOURCE.topic)
        app.consumer_generation_id = 1

        async def agent(stream: Any) -> None:
            await run_stage(stream, "stage", self._stage, cast(Any, None), halt, {})

        self.agent = app.agent(topic)(agent)

    async def _commit(self, offsets: dict[TP, int], **_: Any) -> bool:
        self.committed.append(offsets)
        return True

    async def _stage(self, events: Any) -> int:
        self.begun.set()
        await self.go_on.wait()
        return 1

    async def __aenter__(self) -> "AtWork":
        self.app.flow_control.resume()
        await self.agent.start()
        (actor,) = self.agent._actors
        for offset in (0, 1):
            each = message(offset)
            each.generation_id = 1
            each.incref()
            self.consumer._handed_over[SOURCE].append(offset)
            await actor.stream.channel.put(self.app.create_event(b"", b"", [], each))
        await asyncio.wait_for(self.begun.wait(), 5)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.agent.stop()


async def test_a_rebalance_waits_for_the_batch_that_a_stage_works_on() -> None:
    async with AtWork() as work:
        waiting = asyncio.create_task(work.consumer.wait_empty())
        done, _ = await asyncio.wait([waiting], timeout=1.5)
        assert not done
        work.go_on.set()
        await asyncio.wait_for(waiting, 5)
        assert work.committed == [{SOURCE: 2}]


async def test_a_rebalance_does_not_wait_for_what_a_stage_leaves_undone() -> None:
    async with AtWork() as work:
        work.app.flow_control.suspend()
        waiting = asyncio.create_task(work.consumer.wait_empty())
        work.go_on.set()
        await asyncio.wait_for(waiting, 5)
        assert work.committed == [{SOURCE: 1}]


# --- membership and what is left to do


class Coordinator:
    """aiokafka's group coordinator as far as commits and membership go."""

    def __init__(self) -> None:
        self.member_id, self.generation = "faust-1", 4
        self.committed: list[Any] = []
        self.heartbeats = [True]

    async def _do_commit_offsets(self, assignment: Any, offsets: Any) -> None:
        self.committed.append(offsets)

    async def _do_heartbeat(self) -> bool:
        alive = self.heartbeats.pop(0)
        if not alive and not self.heartbeats:
            self.member_id, self.generation = "", -1  # as aiokafka does when it was thrown out
        return alive


async def connected(app: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Coordinator]:
    """The consumer's thread as it is once it has connected, and its coordinator."""

    async def connect(self: Any) -> None: ...

    monkeypatch.setattr(stock.AIOKafkaConsumerThread, "on_start", connect)
    coordinator = Coordinator()
    thread = cast(Any, consumer_of(SafeConsumer, app)._thread)
    thread._consumer = SimpleNamespace(_coordinator=coordinator)
    await thread.on_start()
    return thread, coordinator


async def test_a_worker_that_is_in_no_group_does_not_commit(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, coordinator = await connected(app, monkeypatch)
    await coordinator._do_commit_offsets(None, {SOURCE: 1})
    coordinator.member_id = ""
    with pytest.raises(IllegalGenerationError):
        await coordinator._do_commit_offsets(None, {SOURCE: 2})
    assert coordinator.committed == [{SOURCE: 1}]


async def test_the_coordinator_is_asked_until_it_says_yes_or_no(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, coordinator = await connected(app, monkeypatch)
    coordinator.heartbeats = [False, True]  # one answer got lost
    assert await thread._is_member(4)
    assert not await thread._is_member(3)
    coordinator.heartbeats = [False]
    assert not await thread._is_member(4)


async def test_unfinished_records_are_those_buffered_and_those_still_in_the_log(app: Any) -> None:
    consumer = consumer_of(SafeConsumer, app)
    fetched_to: dict[TP, int] = {}
    consumer._thread.next_offset = fetched_to.get
    assert consumer.unfinished(SOURCE, 5, 8) == 3, "from the beginning of the log"
    consumer._committed_offset[SOURCE] = 7
    assert consumer.unfinished(SOURCE, 5, 8) == 1, "from the last commit"
    for offset in (7, 8, 9):
        await consumer._hand_over(message(offset))
    consumer._acked_index[SOURCE].update({7, 9})
    assert consumer.unfinished(SOURCE, 5, 12) == 1 + 2
    assert consumer.unfinished(SOURCE, 5, 8) == 1, "the end that is known may be an old one"
    fetched_to[SOURCE] = 11
    consumer._buffer.add({SOURCE: [message(10)]})
    assert consumer.unfinished(SOURCE, 5, 12) == 1 + 1 + 1


async def test_the_mark_that_ends_a_transaction_is_nothing_that_waits(app: Any) -> None:
    consumer = consumer_of(SafeConsumer, app)
    consumer._committed_offset[SOURCE] = 7
    consumer._thread.next_offset = {SOURCE: 8}.get
    assert consumer.unfinished(SOURCE, 0, 8) == 0
