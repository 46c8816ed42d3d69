import asyncio
import time
from pathlib import Path

import pytest

from tests.chaos.cluster import Cluster
from tests.chaos.progress import Progress
from tests.chaos.worker import Part

KILLED_S = 1000.0


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    found = Progress(Cluster(tmp_path))
    found.follow("run", 0.0, 100.0)
    return found


def test_the_share_is_the_mean_of_the_shards(progress: Progress) -> None:
    assert progress.share() == 0
    progress.at = {0: (KILLED_S, 100.0), 1: (KILLED_S, 50.0)}
    assert progress.share() == pytest.approx(0.375)


async def test_what_a_killed_worker_had_applied_is_not_recovery(progress: Progress) -> None:
    progress.at = {0: (KILLED_S - 1, 10.0), 1: (KILLED_S - 1, 10.0)}
    waiting = asyncio.create_task(progress.moved([0, 1], KILLED_S))
    await asyncio.sleep(0.3)
    progress.at |= {0: (KILLED_S + 4, 12.0), 1: (KILLED_S + 4, 12.0)}  # restored
    await asyncio.sleep(0.3)
    progress.at[0] = (KILLED_S + 5, 13.0)
    await asyncio.sleep(0.3)
    assert not waiting.done()
    progress.at[1] = (KILLED_S + 7, 13.0)
    assert await asyncio.wait_for(waiting, 5) == 7


async def test_a_shard_that_is_through_is_not_waited_for(progress: Progress) -> None:
    progress.at = {0: (KILLED_S - 1, 100.0)}
    assert await asyncio.wait_for(progress.moved([0], KILLED_S), 5) is None


def part(published_at: float, watermark: str) -> Part:
    return Part(published_at, "1970-01-01T00:00:50+00:00", watermark)


def test_the_longest_stand_is_that_of_the_slowest_shard(progress: Progress) -> None:
    began = time.monotonic()
    for shard in range(4):
        progress.note(shard, part(KILLED_S, "a"), began)
    progress.watch()
    began = time.monotonic()
    for shard in (0, 1, 2):
        progress.note(shard, part(KILLED_S + 2, "b"), began + 2)
    progress.note(3, part(KILLED_S + 2, "a"), began + 2)  # published again, and has not moved
    progress.note(3, part(KILLED_S + 9, "b"), began + 9)
    assert progress.stood_s() == pytest.approx(9, abs=0.1)


def test_a_shard_that_still_stands_counts_and_one_that_is_through_does_not(
    progress: Progress,
) -> None:
    progress.watch()
    progress.note(0, Part(KILLED_S, "1970-01-01T00:01:40+00:00", "z"), time.monotonic())
    time.sleep(0.2)
    assert 0.2 <= progress.stood_s() < 2
    assert 0 not in progress._since


def test_it_flows_while_every_shard_that_has_something_left_moves(progress: Progress) -> None:
    here = time.monotonic()
    for shard in (0, 1, 2):
        progress.note(shard, part(KILLED_S, "a"), here)
    assert not progress.flows(), "nothing is known of one shard"
    progress.note(3, part(KILLED_S, "a"), here - 60)
    assert not progress.flows(), "it has not moved for a minute"
    progress.note(3, Part(KILLED_S + 1, "1970-01-01T00:01:40+00:00", "z"), here)
    assert progress.flows(), "it is through"
