"""Which runs a shard keeps, and that a dropped one never counts again."""

import asyncio
from contextlib import suppress

import numpy as np
import pytest
from scipy.sparse import csr_array

from agents.alarms import Thresholds
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.kept_runs import KeptRuns
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from tables.risk_table import RiskTable, StateError
from tables.windows import WindowSpec
from tests.support.frames import spread
from tests.support.memory import Event, Message, Table, Topic
from topology.codec import decode, encode
from topology.grid import Grid
from topology.messages import PropagatedFrame, RiskWindow


class Shard:
    """One shard of the triangle's three nodes, on a table that survives its worker."""

    def __init__(self, grid: Grid, *, max_ended: int = 2, max_forgotten: int = 100) -> None:
        self.model = RiskModel("linear", grid, csr_array(np.eye(3)), 1, WindowSpec(), Thresholds())
        self.limits = {"max_ended": max_ended, "max_forgotten": max_forgotten}
        self.store, self.windows, self.dead_letters = Table(), Topic(), DeadLetters(Topic())
        self.take_over()

    def take_over(self, ended_runs: tuple[str, ...] = ()) -> None:
        """Another worker has the shard now, with nothing in its memory."""
        self.store.owner += 1
        self.table = RiskTable(self.store, 3)
        keeps = KeptRuns(self.model, self.table, ended_runs=ended_runs, **self.limits)
        self.stage = RiskStage(
            self.model,
            self.table,
            self.windows,
            Topic(),
            self.dead_letters,
            StageCounters(),
            0,
            keeps,
        )

    async def feed(self, *frames: PropagatedFrame) -> None:
        events = [Event(Message(value=encode(frame))) for frame in frames]
        assert await self.stage(events) == len(frames)

    async def whole_run(self, run: str) -> None:
        for zone in ("north", "south"):
            await self.feed(spread(zone, [0], {"a": [1.0]}, run=run))
            await self.feed(spread(zone, [1], {}, run=run, seq=1, final=True))


@pytest.fixture
def shard(triangle: Grid) -> Shard:
    return Shard(triangle)


async def test_what_comes_again_of_a_forgotten_run_counts_as_seen(shard: Shard) -> None:
    """A worker is killed after newer runs have taken the place of one that was not committed."""
    await shard.whole_run("old")
    for number in range(3):
        await shard.whole_run(f"new-{number}")
    sent = len(shard.windows.sent)
    shard.take_over()
    for zone in ("north", "south"):
        await shard.feed(spread(zone, [0], {"a": [1.0]}, run="old"))
        await shard.feed(spread(zone, [1], {}, run="old", seq=1, final=True))
    assert len(shard.windows.sent) == sent
    assert shard.dead_letters.counts == {}
    assert shard.stage.counters.repeated == {"linear": 4}


async def test_new_rows_of_a_forgotten_run_are_refused_with_their_numbers(shard: Shard) -> None:
    for number in range(4):
        await shard.whole_run(f"run-{number}")
    await shard.feed(spread("north", [0, 1, 2, 3], {"a": [1.0] * 4}, run="run-0"))
    assert shard.dead_letters.counts == {"forgotten": 1}
    (dead_letter,) = shard.dead_letters.topic.sent  # type: ignore[attr-defined]
    assert dead_letter["headers"]["rows"] == b"2,3"
    assert shard.stage.counters.skipped_rows["linear", "forgotten"] == 2


async def test_tombstones_are_kept_by_count_oldest_first(triangle: Grid) -> None:
    shard = Shard(triangle, max_ended=1, max_forgotten=2)
    for number in range(5):
        await shard.whole_run(f"run-{number}")
    assert list(shard.table.index(0).forgotten) == ["run-2", "run-3"]
    shard.take_over()
    index = shard.table.index(0)
    assert (list(index.runs), list(index.forgotten)) == (["run-4"], ["run-2", "run-3"])


@pytest.mark.parametrize("left", range(4))
async def test_a_crash_while_a_run_is_dropped_leaves_it_whole_or_dropped(
    triangle: Grid, left: int
) -> None:
    shard = Shard(triangle, max_ended=1)
    await shard.whole_run("old")
    sent, begin = len(shard.windows.sent), spread("north", [0], {"a": [1.0]}, run="new")
    shard.store.left = left
    with suppress(StateError):
        await shard.feed(begin)
    shard.store.left = float("inf")
    shard.take_over()
    await shard.whole_run("old")  # all of it comes again
    assert len(shard.windows.sent) == sent
    await shard.feed(begin)
    await shard.whole_run("new")
    shard.take_over()
    index = shard.table.index(0)
    assert (list(index.runs), list(index.forgotten), index.orphans) == (["new"], ["old"], [])
    windows = [decode(x["value"], RiskWindow) for x in shard.windows.sent]
    assert next(w.stress for w in windows if w.run == "new").tolist() == [2.0]


async def test_of_runs_that_never_end_the_one_quiet_longest_goes(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live feed began before all of them, and goes on."""
    monkeypatch.setattr("agents.kept_runs.MAX_GOING_ON", 3)
    for number in range(6):
        await shard.feed(spread("north", [number], {"a": [1.0]}, run="live", seq=number))
        await shard.feed(spread("north", [0], {"a": [1.0]}, run=f"given-up-{number}"))
    assert sorted(shard.table.index(0).runs) == ["given-up-4", "given-up-5", "live"]


async def test_after_a_take_over_zones_are_waited_for_anew(triangle: Grid) -> None:
    shard = Shard(triangle)
    shard.stage.idle.timeout_s = 0.02
    await shard.feed(spread("south", [0], {}))
    hour = 0
    while not shard.stage.idle.of(0, "r"):
        await shard.feed(spread("north", [hour], {"a": [1.0]}))
        hour += 1
        await asyncio.sleep(0.002)  # a tenth of the time-out, the most that a gap counts
    stage = shard.stage
    shard.store.owner += 2  # another worker had it in between, and received rows of the zone
    await shard.feed(spread("north", [hour], {"a": [1.0]}))
    assert shard.stage is stage
    assert stage.idle.of(0, "r") == frozenset()


async def test_a_run_that_other_settings_have_ended_makes_room_first(shard: Shard) -> None:
    await shard.feed(spread("north", [0], {"a": [1.0]}, run="ended"))
    shard.take_over(ended_runs=("ended",))
    for number in range(2):
        await shard.whole_run(f"run-{number}")
    index = shard.table.index(0)
    assert (sorted(index.runs), list(index.forgotten)) == (["run-0", "run-1"], ["ended"])
