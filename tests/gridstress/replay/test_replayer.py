import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pytest

from gridstress.datasets.synthetic import synthetic_year
from gridstress.kafka.topic_reader import read_topic
from gridstress.kafka.topics import MEASUREMENTS
from gridstress.replay.pace import MAX_SPEED, Pace, Speed
from gridstress.replay.replayer import replay
from gridstress.replay.schedule import MAX_BATCH, Schedule
from gridstress.run_records.frame_sinks import FileSink, KafkaSink
from gridstress.settings import load_settings
from topology.codec import decode
from topology.errors import BrokerError, DataError
from topology.grid import Grid, Node
from topology.messages import MeasurementFrame

ZONES = ("50Hertz", "Amprion", "TenneT", "TransnetBW")
GRID = Grid(
    "test",
    tuple(Node(f"{z}-{i}".lower(), z, 50, 10, z, 0.5, 1.0, 1.0) for z in ZONES for i in range(2)),
    (),
)


def schedule(days: float = 2) -> Schedule:
    year = synthetic_year()
    return Schedule(year.between(None, year.start + pd.Timedelta(days=days)), GRID, "r", 1)


class Collect:
    """A sink that keeps frames, for what has nothing to do with a broker."""

    def __init__(self) -> None:
        self.frames: list[MeasurementFrame] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: Any) -> None: ...

    async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
        self.frames += frames

    async def flush(self) -> None: ...


async def test_everything_is_sent_once_and_in_order() -> None:
    sink, plan = Collect(), schedule()
    summary = await replay(plan, sink, Pace(Speed(MAX_SPEED)))
    assert sink.frames == list(plan.frames(MAX_BATCH))
    assert (summary.rows, summary.frames, summary.stopped) == (4 * 48, 4 * 3, False)
    assert summary.zones == list(ZONES)
    assert (summary.start, summary.end) == ("2024-12-31T23:00:00Z", "2025-01-02T23:00:00Z")


class Jumping(asyncio.SelectorEventLoop):
    """A loop whose time passes only while there is nothing to do, and at once."""

    now_s = 0.0

    def time(self) -> float:
        return self.now_s

    def _run_once(self) -> None:
        due = [timer.when() for timer in self._scheduled if not timer.cancelled()]
        if not self._ready and due:
            self.now_s = max(self.now_s, min(due))
        super()._run_once()  # type: ignore[misc]


def test_steps_keep_to_the_clock_and_a_late_one_makes_no_later_one_late() -> None:
    at: list[float] = []

    class Slow(Collect):
        async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
            at.append(asyncio.get_running_loop().time())
            await asyncio.sleep(2.5 if len(at) == 4 else 0.25)

    with asyncio.Runner(loop_factory=Jumping) as runner:
        runner.run(replay(schedule(days=1), Slow(), Pace(Speed(3600))))  # an hour a second
    assert at == [0.0, 1.0, 2.0, 3.0, 5.5, 5.75, *map(float, range(6, 25))]


async def test_stopping_finishes_the_step_and_sends_no_final_frames() -> None:
    sink, pace, plan = Collect(), Pace(Speed(MAX_SPEED)), schedule()

    summary = await replay(plan, sink, pace, on_step=lambda step: pace.stop())
    assert sink.frames == [f for f in plan.frames(MAX_BATCH) if f.seq < MAX_BATCH]
    assert summary.stopped
    assert summary.end == "2025-01-01T23:00:00Z"


async def test_stopping_does_not_wait_for_the_next_step() -> None:
    sink, pace = Collect(), Pace(Speed(1))
    # The next step would come after an hour.
    async with asyncio.timeout(60):
        summary = await replay(schedule(), sink, pace, on_step=lambda step: pace.stop())
    assert summary.rows == 4


async def test_a_file_holds_a_frame_a_line(tmp_path: Path) -> None:
    path, plan = tmp_path / "frames.jsonl", schedule()
    async with FileSink(path) as sink:
        await replay(plan, sink, Pace(Speed(MAX_SPEED)))
    lines = path.read_bytes().splitlines()
    assert [decode(line, MeasurementFrame) for line in lines] == list(plan.frames(MAX_BATCH))
    assert json.loads(lines[-1])["final"] is True


@pytest.mark.integration
@pytest.mark.kafka_too
async def test_frames_arrive_on_the_partition_of_their_zone_in_order(broker: str) -> None:
    settings = load_settings(broker=f"kafka://{broker}")
    plan = schedule()
    async with KafkaSink(settings, GRID.zones) as sink:
        summary = await replay(plan, sink, Pace(Speed(MAX_SPEED)))
    everything = await read_topic(broker, MEASUREMENTS)
    found = [r for r in everything if decode(r.value, MeasurementFrame).run == "r"]
    sent = list(plan.frames(MAX_BATCH))
    assert len(found) == len(sent) == summary.frames
    for zone in ZONES:
        mine = [record for record in found if record.key == zone.encode()]
        assert {record.partition for record in mine} == {ZONES.index(zone)}
        assert [decode(r.value, MeasurementFrame) for r in mine] == [
            frame for frame in sent if frame.zone == zone
        ]


async def test_an_unreachable_broker_is_a_broker_error_with_its_address() -> None:
    settings = load_settings(broker="kafka://127.0.0.1:1")
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1") as error:
        async with KafkaSink(settings, GRID.zones):
            pass
    assert error.value.exit_code == 3
    assert error.value.hint


@pytest.mark.integration
async def test_a_frame_too_large_for_a_message_is_an_error_with_its_zone(broker: str) -> None:
    nodes = [f"{i:0120}" for i in range(9000)]
    frame = MeasurementFrame(
        run="crowd", zone="TenneT", seq=0, timestamps=[datetime(2025, 1, 1, tzinfo=UTC)],
        nodes=nodes, load_mw=[[1.0] * len(nodes)],
    )  # fmt: skip
    async with KafkaSink(load_settings(broker=f"kafka://{broker}"), ZONES) as sink:
        with pytest.raises(DataError, match="'TenneT' with 9000 nodes"):
            await sink.send((frame,))
