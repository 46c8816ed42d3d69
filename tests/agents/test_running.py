"""What lies ready is worked off together, and one bad record costs only itself."""

import asyncio
import re
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest
from faust.exceptions import ProducerSendError

from agents import batches
from agents.dead_letters import DeadLetters
from agents.running import run_stage
from tables.risk_table import StateError
from tests.support.memory import Event, Halted, Message, Stream, Topic, halt
from topology.errors import GridstressError, MessageError


class Recorder:
    """A stage that notes what it is given, and refuses some offsets of partition 0."""

    def __init__(self, bad: Sequence[int] = (), at_once: int = 10**6) -> None:
        self.bad, self.at_once = bad, at_once
        self.given: list[list[int]] = []
        self.done: list[tuple[int, int]] = []

    async def __call__(self, events: Sequence[Event]) -> int:
        events = events[: self.at_once]
        places = [(event.message.partition, event.message.offset) for event in events]
        self.given.append([offset for _, offset in places])
        if any(place == (0, bad) for place in places for bad in self.bad):
            raise MessageError("invalid", "no good")
        self.done += places
        return len(events)


def events(count: int, partition: int = 0) -> list[Event]:
    return [Event(Message(partition=partition, offset=n)) for n in range(count)]


@pytest.fixture
def dead_letters() -> DeadLetters:
    return DeadLetters(Topic())


async def test_records_that_lie_ready_are_one_batch(dead_letters: DeadLetters) -> None:
    stage, found = Recorder(), events(5)
    await run_stage(Stream(found), "s", stage, dead_letters, halt, {})
    assert stage.given == [[0, 1, 2, 3, 4]]
    assert all(event.acked for event in found)


async def test_a_stage_is_given_one_partition_at_a_time(dead_letters: DeadLetters) -> None:
    stage = Recorder()
    mixed = [event for pair in zip(events(3), events(3, 1), strict=True) for event in pair]
    await run_stage(Stream(mixed), "s", stage, dead_letters, halt, {})
    assert stage.given == [[0, 1, 2], [0, 1, 2]]
    assert sorted(stage.done) == [(p, n) for p in (0, 1) for n in range(3)]


async def test_a_stage_that_wants_them_together_is_given_them_as_they_came(
    dead_letters: DeadLetters,
) -> None:
    stage = Recorder()
    mixed = [event for pair in zip(events(3), events(3, 1), strict=True) for event in pair]
    finished: dict[tuple[str, str, int], int] = {}
    await run_stage(Stream(mixed), "s", stage, dead_letters, halt, finished, per_partition=False)
    assert stage.done == [(p, n) for n in range(3) for p in (0, 1)]
    assert len(stage.given) == 1
    assert finished == {("s", "t", 0): 3, ("s", "t", 1): 3}


async def test_of_partitions_together_exactly_the_bad_record_becomes_a_dead_letter(
    dead_letters: DeadLetters,
) -> None:
    stage = Recorder([1])
    mixed = [event for pair in zip(events(4), events(4, 1), strict=True) for event in pair]
    await run_stage(Stream(mixed), "s", stage, dead_letters, halt, {}, per_partition=False)
    reported = [sent["headers"] for sent in dead_letters.topic.sent]  # type: ignore[attr-defined]
    assert [(one["partition"], one["offset"]) for one in reported] == [(b"0", b"1")]
    assert stage.done == [(p, n) for n in range(4) for p in (0, 1) if (p, n) != (0, 1)]
    assert all(event.acked for event in mixed)


@pytest.mark.parametrize("bad", [[0], [63], [3, 4, 40], list(range(64))])
async def test_of_a_batch_exactly_the_bad_records_become_dead_letters(
    dead_letters: DeadLetters, bad: list[int]
) -> None:
    stage, found = Recorder(bad), events(64)
    finished: dict[tuple[str, str, int], int] = {}
    await run_stage(Stream(found), "s", stage, dead_letters, halt, finished)
    reported = [int(sent["headers"]["offset"]) for sent in dead_letters.topic.sent]  # type: ignore[attr-defined]
    assert reported == bad
    assert stage.done == [(0, n) for n in range(64) if n not in bad]
    assert all(event.acked for event in found)
    assert finished == {("s", "t", 0): 64}


async def test_one_bad_record_costs_few_attempts(dead_letters: DeadLetters) -> None:
    stage = Recorder([40])
    await run_stage(Stream(events(64)), "s", stage, dead_letters, halt, {})
    assert len(stage.given) < 16


async def test_a_stage_that_finishes_a_part_gets_the_rest(dead_letters: DeadLetters) -> None:
    stage = Recorder(at_once=2)
    await run_stage(Stream(events(5)), "s", stage, dead_letters, halt, {})
    assert stage.given == [[0, 1], [2, 3], [4]]


async def test_a_batch_ends_at_its_limits(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_BYTES", 10)
    stage = Recorder()
    large = [Event(Message(offset=n, value=b"x" * 4)) for n in range(7)]
    await run_stage(Stream(large), "s", stage, dead_letters, halt, {})
    assert stage.given == [[0, 1, 2], [3, 4, 5], [6]]
    monkeypatch.setattr(batches, "MAX_RECORDS", 4)
    stage = Recorder()
    await run_stage(Stream(events(5)), "s", stage, dead_letters, halt, {})
    assert stage.given == [[0, 1, 2, 3], [4]]


async def test_a_single_record_is_joined_by_what_comes_right_behind_it(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LINGER_S", 0.2)
    found = events(3)
    stream, stage = Stream(found[:1]), Recorder()
    working = asyncio.create_task(run_stage(stream, "s", stage, dead_letters, halt, {}))
    await asyncio.sleep(0.01)
    assert not stream.channel.queue.qsize()
    for late in found[1:]:
        stream.channel.queue.put_nowait(late)
    await working
    assert stage.given == [[0, 1, 2]]


async def test_nothing_of_a_former_assignment_is_taken_along(dead_letters: DeadLetters) -> None:
    found = events(3)
    found[1].message.generation_id = 0
    stage = Recorder()
    await run_stage(Stream(found), "s", stage, dead_letters, halt, {})
    assert stage.given == [[0, 2]]
    assert not found[1].acked


async def test_no_more_is_taken_once_a_rebalance_has_begun() -> None:
    stream = Stream(events(3))
    stream.app.active = False
    assert [len(batch) async for batch in batches.batches(stream)] == [1, 1, 1]


# --- whose fault it is


@pytest.mark.parametrize(
    "error",
    [
        StateError("IO error: No such file or directory"),
        MemoryError(),
        OSError(28, "No space left on device"),
        GridstressError("the tables are of schema 9", hint="install the newer one again"),
        RuntimeError("Event loop is closed"),
    ],
)
async def test_what_is_not_the_records_fault_ends_the_worker_and_acks_nothing(
    dead_letters: DeadLetters, error: Exception
) -> None:
    async def stage(events: Sequence[Event]) -> int:
        raise error

    found = events(3)
    with pytest.raises(Halted, match=re.escape(str(error) or "MemoryError")):
        await run_stage(Stream(found), "s", stage, dead_letters, halt, {})
    assert not any(event.acked for event in found)
    assert dead_letters.topic.sent == []  # type: ignore[attr-defined]


class Refusing(Topic):
    """A topic that takes nothing, as a producer refuses what is too large for it."""

    async def send(self, **record: Any) -> Awaitable[None]:
        raise ProducerSendError("too large")


async def test_a_dead_letter_that_cannot_be_sent_ends_the_worker_and_acks_nothing() -> None:
    found = events(3)
    with pytest.raises(Halted, match="too large"):
        await run_stage(Stream(found), "s", Recorder([1]), DeadLetters(Refusing()), halt, {})
    assert not any(event.acked for event in found)


async def test_a_batch_that_cannot_be_taken_ends_the_worker(dead_letters: DeadLetters) -> None:
    stream = Stream(events(1))
    stream.app.flow_control.is_active = None
    stream.channel.queue.put_nowait(events(1)[0])
    with pytest.raises(Halted, match="TypeError"):
        await run_stage(stream, "s", Recorder(), dead_letters, halt, {})
