"""Lines are taken from a pipe as they come, and a look that fails costs nothing."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridstress.kafka.topics import MAX_FRAME_BYTES
from gridstress.live.entsoe import Entsoe
from gridstress.live.feeder import lines_of, poll, pump
from gridstress.live.live_run import LiveRun
from gridstress.run_records.frame_sinks import FileSink
from tests.support.entsoe_platform import TOKEN, entsoe_platform
from tests.support.frames import ended, measured
from tests.support.waiting import until
from topology.codec import decode, encode
from topology.grid import Grid, Node
from topology.messages import MeasurementFrame

FRAMES = [measured("south", [h], {"c": [80.0 + h]}) for h in range(5)]


def sent(path: Path) -> list[MeasurementFrame]:
    return [decode(line, MeasurementFrame) for line in path.read_bytes().splitlines()]


async def test_lines_are_sent_as_they_come_and_the_end_ends_it(
    triangle: Grid, tmp_path: Path
) -> None:
    output, lines = tmp_path / "sent", list[str]()
    reads, writes = os.pipe()
    with os.fdopen(reads, "rb") as file, os.fdopen(writes, "wb", buffering=0) as pipe:
        async with FileSink(output) as sink:
            running = asyncio.create_task(
                pump(lines_of(file), triangle, sink, asyncio.Event(), lines.append)
            )
            for frame in FRAMES:
                pipe.write(encode(frame) + b"\n\n")
            pipe.write(encode(ended("south", 5)))  # without the end of a line
            pipe.close()
            fed = await running
    assert sent(output) == [*FRAMES, ended("south", 5)]
    assert (fed.frames, fed.rows, fed.refused) == (6, 5, 0)
    assert lines == []


async def test_a_line_that_cannot_be_used_costs_only_itself(triangle: Grid, tmp_path: Path) -> None:
    output, lines = tmp_path / "sent", list[str]()
    source = tmp_path / "lines"
    bad = [b"{", b"x" * (3 * MAX_FRAME_BYTES), encode(measured("west", [0], {"a": [1.0]}))]
    good = [encode(frame) for frame in FRAMES[:3]]
    source.write_bytes(b"\n".join(line for pair in zip(good, bad, strict=True) for line in pair))
    with source.open("rb") as file:
        async with FileSink(output) as sink:
            fed = await pump(lines_of(file), triangle, sink, asyncio.Event(), lines.append)
    assert sent(output) == FRAMES[:3]
    assert (fed.frames, fed.refused) == (3, 3)
    assert [line.split(":")[:2] for line in lines] == [
        ["line 2 refused", " invalid"],
        ["line 4 refused", " too-large"],
        ["line 6 refused", " unknown-zone"],
    ]


async def test_it_can_be_stopped_while_nothing_comes(triangle: Grid, tmp_path: Path) -> None:
    reads, writes = os.pipe()
    stop = asyncio.Event()
    with os.fdopen(reads, "rb") as file, os.fdopen(writes, "wb", buffering=0) as pipe:
        async with FileSink(tmp_path / "sent") as sink, asyncio.timeout(10):
            running = asyncio.create_task(pump(lines_of(file), triangle, sink, stop, print))
            pipe.write(encode(FRAMES[0]) + b"\n")
            stop.set()
            assert (await running).frames <= 1
            pipe.close()


async def test_a_platform_that_was_down_is_asked_again_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = (datetime.now(UTC) - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    node = Node("n", "N", 50.0, 9.0, "TenneT", 1.0, 100.0, 0.5)
    run = LiveRun("live", Grid("one", (node,), ()), 3600, int(start.timestamp()), 3600)
    stop, lines = asyncio.Event(), list[str]()
    with entsoe_platform(start + timedelta(hours=2)) as platform:
        monkeypatch.setattr("entsoe.entsoe.URL", platform.url)
        source, output = Entsoe(TOKEN, "1h"), tmp_path / "sent"
        async with FileSink(output) as sink:
            areas = {"TenneT": "DE_TENNET"}
            running = asyncio.create_task(
                poll(source, areas, run, sink, stop, lines.append, every_s=0.05)
            )
            await until(lambda: "TenneT: 2 rows" in lines, 10)
            platform.down = 2
            await until(lambda: not platform.down, 10)
            platform.until += timedelta(hours=3)
            await until(lambda: "TenneT: 3 rows" in lines, 10)
            stop.set()
            fed = await running
    assert sum("answers 503" in line for line in lines) == 2
    assert fed.rows == 5
    first = int(start.timestamp()) // 3600
    numbers = [f.seq + i for f in sent(output) for i in range(len(f.timestamps))]
    assert numbers == list(range(first, first + 5))
