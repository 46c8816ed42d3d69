"""An archived run is sent again at the pace of the rows that count."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from gridstress.archive.files import run_folder
from gridstress.archive.reading import ArchivedRun
from gridstress.kafka.topics import MEASUREMENTS
from gridstress.replay.archived import ArchivedSchedule
from gridstress.replay.pace import Pace, Speed
from gridstress.replay.replayer import replay
from gridstress.replay.schedule import steps
from gridstress.settings import Settings
from tests.gridstress.replay.test_replayer import Collect, Jumping
from tests.support.archives import archive_in, consumed
from tests.support.frames import ended, hour_s, measured
from topology.codec import encode
from topology.grid import Grid
from topology.messages import MeasurementFrame

HOURS = 12
YEARS = 50 * 365 * 24
LOADS = {"north": ("a", "b"), "south": ("c",)}


def rows(zone: str, hours: Sequence[float], seq: int) -> MeasurementFrame:
    return measured(zone, hours, {node: [50.0] * len(hours) for node in LOADS[zone]}, seq=seq)


def run_with(off: MeasurementFrame | None, **changed: float) -> list[MeasurementFrame]:
    """Rows of twelve hours, one a frame, zone by zone; ``off`` takes the place of its number.

    ``changed`` gives a zone's first row another hour.
    """
    frames = [
        rows(zone, [changed.get(zone, hour) if hour == 0 else hour], hour)
        for hour in range(HOURS)
        for zone in LOADS
    ]
    frames += [ended(zone, HOURS) for zone in LOADS]
    return [
        off if off and frame.zone == off.zone and frame.seq == off.seq else frame
        for frame in frames
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(partitions=2, archive_dir=tmp_path / "archive")


def schedule_of(
    frames: Sequence[MeasurementFrame], grid: Grid, settings: Settings
) -> ArchivedSchedule:
    records = [
        consumed(MEASUREMENTS, list(LOADS).index(frame.zone), offset, encode(frame))
        for offset, frame in enumerate(frames)
    ]
    archive_in(settings.archive_dir, records, settings.model_names)
    archived = ArchivedRun(run_folder(settings.archive_dir, "r"))
    return ArchivedSchedule(archived, grid, "again", settings.max_ahead_s)


def paced(schedule: ArchivedSchedule) -> list[float]:
    """When each frame is sent at an hour a second, s after the first."""
    at: list[float] = []

    class Timed(Collect):
        async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
            at.append(asyncio.get_running_loop().time())

    with asyncio.Runner(loop_factory=Jumping) as runner:
        runner.run(replay(schedule, Timed(), Pace(Speed(3600))))
    return at


OFF = {
    "a row": rows("north", [YEARS], 5),
    "a row of several": rows("south", [YEARS, 5], 5),
    "the last row of several": rows("north", [5, YEARS], 5),
    "an end": ended("north", YEARS, seq=HOURS),
}


@pytest.mark.parametrize("off", OFF.values(), ids=OFF)
def test_a_row_far_ahead_is_sent_but_not_waited_for(
    triangle: Grid, settings: Settings, off: MeasurementFrame
) -> None:
    schedule = schedule_of(run_with(off), triangle, settings)
    assert off.timestamps in [frame.timestamps for frame in schedule.frames()]
    assert (schedule.start_s, schedule.rows) == (hour_s(0), HOURS)
    for step in steps(schedule.begin()):
        (frame,) = step.frames
        assert step.time_s == hour_s(step.position)
        assert step.position in (frame.seq - 1, frame.seq), frame
    at = paced(schedule)
    assert at[-1] == HOURS
    assert all(0 <= later - sooner <= 1 for sooner, later in pairwise(at))


@pytest.mark.parametrize("hour", [YEARS, -YEARS])
def test_a_zone_whose_clock_is_off_from_its_first_row_on_is_not_waited_for(
    triangle: Grid, settings: Settings, hour: int
) -> None:
    schedule = schedule_of(run_with(None, south=hour), triangle, settings)
    assert len(list(schedule.frames())) == 2 * HOURS + 2
    assert schedule.start_s in (hour_s(0), hour_s(hour))
    assert schedule.rows <= HOURS
    assert paced(schedule)[-1] <= HOURS


def test_without_a_bound_every_row_is_waited_for(triangle: Grid, settings: Settings) -> None:
    unbounded = settings.model_copy(update={"max_ahead_s": 0})
    schedule = schedule_of(run_with(OFF["a row"]), triangle, unbounded)
    assert (schedule.start_s, schedule.rows) == (hour_s(0), YEARS + 1)
    assert paced(schedule)[-1] == YEARS
