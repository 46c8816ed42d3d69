"""A stage at work whose shard is lost, or about to be: nothing wrong is sent, written or acked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from agents.dead_letters import DeadLetters
from agents.risk_stage import RiskStage
from agents.running import run_stage
from tests.agents.test_risk_stage import risk_stage
from tests.support.frames import at, spread
from tests.support.memory import Event, Message, Stream, Table, Topic, halt
from topology.codec import decode, encode
from topology.grid import Grid
from topology.messages import RiskWindow


@dataclass
class Busy(Topic):
    """A topic whose broker, before it acknowledges, lets something happen."""

    meanwhile: Callable[[], Awaitable[None] | None] = lambda: None

    async def send(self, **record: Any) -> Awaitable[None]:
        await self._happen()
        return await super().send(**record)

    async def send_many(self, partition: int, records: Sequence[Any]) -> Sequence[Awaitable[None]]:
        await self._happen()
        return await super().send_many(partition, records)

    async def _happen(self) -> None:
        if (happening := self.meanwhile()) is not None:
            await happening


def event(zone: str, hours: list[float], seq: int, partition: int = 0) -> Event:
    frame = spread(zone, hours, {"a": [1.0] * len(hours)}, seq=seq, shard=partition)
    return Event(Message(value=encode(frame), partition=partition))


async def work(stage: Any, *events: Event, meanwhile: Any = None) -> None:
    """Run the stage; `meanwhile`, if given, takes the stream's app."""
    stream = Stream(events)
    if meanwhile is not None:
        meanwhile(stream.app)
    await run_stage(stream, "risk", stage, stage.dead_letters, halt, {}, per_partition=True)


def window_ends(*stages: RiskStage) -> list[Any]:
    sent: list[Any] = [record for s in stages for record in s.windows.sent]  # type: ignore[attr-defined]
    return sorted(decode(record["value"], RiskWindow).window_end for record in sent)


async def test_a_state_read_before_the_shard_was_lost_is_not_written_when_it_is_won_again(
    triangle: Grid,
) -> None:
    """Another worker has counted on meanwhile: what it counted would be lost from the state."""
    store = Table()
    stage = risk_stage(triangle, DeadLetters(Topic()), store)
    await work(stage, event("north", [5], 0))

    async def lost_and_won() -> None:
        store.owner = 1
        other = risk_stage(triangle, DeadLetters(Topic()), store)
        await work(other, event("north", [0], 1), event("north", [6, 7, 8], 2))
        store.owner = 2

    stage.dead_letters.topic = Busy(meanwhile=lost_and_won)
    late = event("north", [0], 1)
    await work(stage, late)
    state = stage.table.state("r", 0)
    assert state is not None
    assert state.applied == {"north": 4}
    assert not late.acked


async def test_nothing_is_begun_with_a_shard_that_is_gone(triangle: Grid) -> None:
    store = Table(owner=None)  # type: ignore[arg-type]
    stage, found = risk_stage(triangle, DeadLetters(Topic()), store), event("north", [5], 0)
    await work(stage, found)
    assert (store.changes, found.acked) == ([], False)


async def test_no_window_is_made_of_the_panes_of_a_lost_shard(
    triangle: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.risk_stage.Outbox.flush_if_full", lambda box: box.flush())
    monkeypatch.setattr("agents.risk_stage.TOGETHER_PARTS", 1)
    monkeypatch.setattr("agents.risk.TOGETHER_VALUES", 1)
    store = Table()
    stage = risk_stage(triangle, DeadLetters(Topic()), store)
    await work(stage, event("north", [0, 20], 0))

    def lost() -> None:
        store.owner = 1
        store.shards.clear()

    stage.windows = Busy(meanwhile=lost)
    last = event("south", [0, 20], 0)
    await work(stage, last)
    assert window_ends(stage) == [at(1)], "the one that was made before"
    assert (store.shards, last.acked) == ({}, False)


async def test_what_another_shard_has_finished_is_acked_all_the_same(triangle: Grid) -> None:
    async def stage(events: Sequence[Event]) -> int:
        if events[0].message.partition == 1:
            await asyncio.sleep(0)
            app.active = False
            return 1
        return len(events)

    events = [event("north", [n], n, partition=p) for n in range(3) for p in (0, 1)]
    stream = Stream(events)
    app = stream.app
    finished: dict[tuple[str, str, int], int] = {}
    await run_stage(stream, "s", stage, DeadLetters(Topic()), halt, finished, per_partition=True)
    assert [e.acked for e in events if e.message.partition == 0] == [True, True, True]
    assert [e.acked for e in events if e.message.partition == 1] == [True, False, False]
    assert finished == {("s", "t", 0): 1, ("s", "t", 1): 1}


async def test_a_rebalance_waits_for_one_step_of_many_windows(
    triangle: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.risk_stage.MAX_WINDOWS", 10)
    store = Table()
    stage = risk_stage(triangle, DeadLetters(Topic()), store)
    first, last = event("north", [0, 95], 0), event("south", [0, 95], 0)
    await work(stage, first)

    def revoked_meanwhile(app: Any) -> None:
        def begins() -> None:
            app.active = False

        stage.windows = Busy(meanwhile=begins)

    await work(stage, last, meanwhile=revoked_meanwhile)
    assert window_ends(stage) == [at(hour) for hour in range(1, 11)]
    assert not last.acked
    assert stage.counters.frames["risk_linear"] == 2, "it is in the state"
    store.owner = 1
    heir = risk_stage(triangle, DeadLetters(Topic()), store)
    again = event("south", [0, 95], 0)
    await work(heir, again)
    assert window_ends(stage, heir) == [at(hour) for hour in range(1, 95)]
    assert again.acked


async def test_a_rebalance_does_not_wait_for_many_letters(triangle: Grid) -> None:
    store = Table()
    stage = risk_stage(triangle, DeadLetters(Topic()), store)
    await work(stage, event("north", [50], 0))
    before = list(store.changes)

    def revoked_meanwhile(app: Any) -> None:
        def begins() -> None:
            app.active = len(dead_letters.sent) < 2

        stage.dead_letters.topic = dead_letters = Busy(meanwhile=begins)

    late = [event("north", [0], seq) for seq in range(1, 9)]
    await work(stage, *late, meanwhile=revoked_meanwhile)
    assert len(stage.dead_letters.topic.sent) == 3  # type: ignore[attr-defined]
    assert not any(one.acked for one in late)
    assert store.changes == before
