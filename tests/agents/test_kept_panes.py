"""Panes that a shard keeps in memory between batches: never anything but what is stored."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.dead_letters import DeadLetters
from agents.risk_stage import RiskStage
from tables import risk_table
from tables.risk_table import StateError
from tests.agents.test_lost_shards import event, work
from tests.agents.test_risk_stage import risk_stage
from tests.support import examples
from tests.support.frames import hour_s, spread
from tests.support.memory import Event, Message, Table, Topic
from topology.codec import encode
from topology.grid import Grid

STEPS = ("batch", "other run", "write fails", "taken over", "elsewhere")


@dataclass
class CountedTable(Table):
    """Counts how often each key was read."""

    reads: Counter[bytes] = field(default_factory=Counter)

    def stored(self, shard: int, key: bytes) -> bytes | None:
        self.reads[key] += 1
        return super().stored(shard, key)


def stage_on(grid: Grid, store: Table) -> RiskStage:
    return risk_stage(grid, DeadLetters(Topic()), store)


async def test_the_next_batch_reads_no_pane_again(triangle: Grid) -> None:
    store = CountedTable()
    stage = stage_on(triangle, store)
    await work(stage, event("north", [0, 1, 2], 0))
    panes = list(_panes(store))
    assert len(panes) == 3
    store.reads.clear()
    await work(stage, event("north", [2], 3))
    assert not any(store.reads[key] for key in panes)


async def test_after_a_failure_panes_are_read_again(triangle: Grid) -> None:
    store = CountedTable()
    stage = stage_on(triangle, store)
    await work(stage, event("north", [0], 0))
    store.left = 0
    with pytest.raises(StateError):
        await stage([event("north", [0], 1)])
    store.left = inf
    store.reads.clear()
    await work(stage, event("north", [0], 1))
    (pane,) = _panes(store)
    assert store.reads[pane] == 1


async def test_panes_of_closed_windows_are_let_go(triangle: Grid) -> None:
    store = Table()
    stage = stage_on(triangle, store)
    for hour in range(0, 200, 4):
        for zone in triangle.zones:
            await work(stage, event(zone, [float(hour)], hour))
    (kept,) = stage.panes._panes.values()
    assert len(kept._known) < 40


async def test_panes_that_wait_for_a_zone_without_data_have_a_bound_in_memory(
    triangle: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_on(triangle, Table())
    await work(stage, event("north", [0], 0))
    (kept,) = stage.panes._panes.values()
    (pane,) = kept._known.values()
    assert pane is not None
    monkeypatch.setattr(risk_table, "KEPT_BYTES", 5 * pane.memory)
    await work(stage, event("north", [float(hour) for hour in range(1, 100)], 1))
    assert sorted(kept._known) == [hour_s(hour) for hour in range(95, 100)]


@given(steps=st.lists(st.sampled_from(STEPS), max_size=12))
@settings(examples.part(0.3), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_between_batches_all_is_as_if_no_pane_were_kept(
    triangle: Grid, steps: list[str]
) -> None:
    """One worker keeps its panes, the other is made anew for each batch."""
    kept, anew, sent, expected = Table(), Table(), Topic(), Topic()
    stage = stage_on(triangle, kept)
    stage.windows = sent

    async def both(frame: bytes, worker: RiskStage) -> None:
        other = stage_on(triangle, anew)
        other.windows = expected
        for one in (worker, other):
            await work(one, Event(Message(value=frame)))

    for seq, step in enumerate(["batch", *steps, *6 * ["batch"]]):
        zone = triangle.zones[seq % 2]
        run = "other" if step == "other run" else "r"
        frame = encode(spread(zone, [seq // 2], {"a": [1.0]}, seq=seq, run=run))
        worker = stage
        if step == "write fails":
            kept.left = 1
            with suppress(StateError):
                await stage([Event(Message(value=frame))])
            kept.left = inf
        elif step in ("taken over", "elsewhere"):
            kept.owner += 1
        if step == "elsewhere":
            worker = stage_on(triangle, kept)
            worker.windows = sent
        await both(frame, worker)
        kept.owner += step == "elsewhere"
    assert _panes(kept) == _panes(anew)
    assert _values(sent) == _values(expected)
    assert len(_values(sent)) > 0


def _panes(store: Table) -> dict[bytes, bytes]:
    return {key: value for key, value in store.shards[0].items() if not key.endswith(b"null]")}


def _values(topic: Topic) -> set[bytes]:
    return {record["value"] for record in topic.sent}
