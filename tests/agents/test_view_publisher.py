"""What a worker publishes of its shards, and in whose name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.sparse import csr_array

from agents.alarms import Thresholds
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.kept_runs import KeptRuns
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from agents.view_publisher import ViewPublisher
from tables.risk_table import RiskTable
from tables.view_epoch import ViewEpoch
from tables.windows import WindowSpec
from tests.support.frames import spread
from tests.support.memory import Event, Message, Table, Topic
from topology.codec import encode
from topology.grid import Grid

LOG = "gridstress-risk_linear-changelog"


@dataclass
class Shards:
    """A worker with one shard of one model, which may be lost and come back."""

    stage: RiskStage
    epochs: dict[int, ViewEpoch] = field(default_factory=dict)
    owned: set[int] = field(default_factory=set)
    generation: int = 0
    topic: Topic = field(default_factory=Topic)
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publisher = ViewPublisher(
            [self.stage],
            self.topic,
            worker=lambda: "w:1",
            owned=lambda model: self.owned,
            generation=lambda: self.generation,
            epoch=lambda model, shard: self.epochs.get(shard),
            shown=lambda model, shard, log: self.shown,
            ended_runs=["ended"],
        )

    def take_over(self, number: int) -> None:
        self.owned, self.epochs = {0}, {0: ViewEpoch(number, LOG)}
        self.generation += 1

    def lose(self) -> None:
        self.owned, self.epochs = set(), {}
        self.generation += 1

    async def apply(self, run: str) -> None:
        frame = spread("north", [0], {"a": [1.0]}, run=run)
        await self.stage([Event(Message(value=encode(frame)))])

    async def published(self) -> list[tuple[str, bool, ViewEpoch]]:
        """Run, whether it is a view, and the epoch of each record published now."""
        self.topic.sent.clear()
        await self.publisher.publish()
        return [_summary(record) for record in self.topic.sent]


def _summary(record: Mapping[str, Any]) -> tuple[str, bool, ViewEpoch]:
    _, run, _ = msgspec.json.decode(record["key"])
    return run, record["value"] is not None, ViewEpoch.of(record["headers"])


@pytest.fixture
def shards(triangle: Grid) -> Shards:
    model = RiskModel("linear", triangle, csr_array(np.eye(3)), 1, WindowSpec(), Thresholds())
    dead_letters = DeadLetters(Topic())
    table = RiskTable(Table(), grid_size=3)
    keeps = KeptRuns(model, table)
    return Shards(
        RiskStage(model, table, Topic(), Topic(), dead_letters, StageCounters(), 0, keeps)
    )


async def test_a_view_and_a_tombstone_say_in_which_epoch_they_were_published(
    shards: Shards,
) -> None:
    shards.take_over(7)
    await shards.apply("r")
    assert await shards.published() == [("r", True, ViewEpoch(7, LOG))]
    shards.shown = ["r", "old", "ended"]
    assert await shards.published() == [("old", False, ViewEpoch(7, LOG))]


async def test_after_a_take_over_all_is_published_in_the_new_epoch(shards: Shards) -> None:
    shards.take_over(7)
    await shards.apply("r")
    await shards.published()
    assert await shards.published() == []
    shards.take_over(9)
    assert await shards.published() == [("r", True, ViewEpoch(9, LOG))]


async def test_a_shard_that_is_not_taken_over_yet_is_not_published(shards: Shards) -> None:
    shards.take_over(7)
    await shards.apply("r")
    shards.epochs.clear()
    assert await shards.published() == []


async def test_a_view_that_a_crash_has_left_behind_is_removed_by_the_next_owner(
    shards: Shards,
) -> None:
    shards.shown = ["old"]
    assert await shards.published() == [], "somebody else owns the shard"
    shards.take_over(8)
    await shards.apply("r")
    assert await shards.published() == [
        ("r", True, ViewEpoch(8, LOG)),
        ("old", False, ViewEpoch(8, LOG)),
    ]


async def test_a_run_that_has_begun_again_is_not_removed(shards: Shards) -> None:
    shards.take_over(7)
    shards.shown = ["r"]
    await shards.apply("r")
    assert await shards.published() == [("r", True, ViewEpoch(7, LOG))]
