"""Taking up a run that was cut off."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.harness.brokers import embedded_broker
from gridstress.datasets.series import LoadSeries
from gridstress.kafka.topic_reader import read_topic
from gridstress.kafka.topics import MEASUREMENTS
from gridstress.replay.pace import MAX_SPEED, Pace, Speed
from gridstress.replay.replayer import replay
from gridstress.replay.resume import Rows, behind_the_topic, check_sent, digests, rest_of
from gridstress.replay.schedule import Schedule
from gridstress.run_records.frame_sinks import KafkaSink
from gridstress.run_records.reading import read_records
from gridstress.settings import Settings, load_settings
from tests.integration.harness import CHECKOUT, wait_for
from topology.codec import decode, encode
from topology.errors import DataError
from topology.grid import Grid, Node
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord, ZoneSent

NAN = float("nan")
DAY = [20_000 + hour for hour in range(12)]
GRID = Grid("test", tuple(Node(f"{z}1", "", 0, 0, z, 1.0, 1.0, 1.0) for z in "ABC"), ())


def plan(run: str = "r", **columns: list[float]) -> Schedule:
    rows = len(next(iter(columns.values())))
    index = pd.to_datetime(1_704_067_200 + 3600 * np.arange(rows), unit="s", utc=True)
    return Schedule(LoadSeries(pd.DataFrame(columns, index, dtype=float), 3600, "test"), GRID, run)


def rows_of(frames: Iterable[MeasurementFrame]) -> Rows:
    rows: Rows = {}
    for frame in frames:
        mine = rows.setdefault(frame.zone, {})
        assert not mine.keys() & digests(frame).keys()  # nothing doubled
        mine |= digests(frame)
    return rows


loads = st.lists(st.one_of(st.floats(0, 1e5), st.just(NAN)), min_size=30, max_size=30)


@given(
    a=loads,
    b=loads,
    stops=st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 2)),
    batches=st.tuples(st.integers(1, 24), st.integers(1, 24)),
)
def test_what_was_sent_and_the_rest_are_the_whole_wherever_each_zone_stopped(
    a: list[float], b: list[float], stops: tuple[int, ...], batches: tuple[int, int]
) -> None:
    begun = plan(A=a, B=b)
    sent: list[MeasurementFrame] = []
    for zone, stop in zip("ABC", stops, strict=True):
        sent += [frame for frame in begun.frames(batches[0]) if frame.zone == zone][:stop]
    rest = rest_of(begun, rows_of(sent))
    assert rows_of([*sent, *rest.frames(batches[1])]) == rows_of(begun.frames())


def test_nothing_is_left_of_a_complete_run() -> None:
    whole = plan(A=[1, 2], B=[NAN, NAN])
    rest = rest_of(whole, rows_of(whole.frames()))
    assert list(rest.frames()) == []
    assert rest.first > rest.rows


def test_what_was_sent_is_counted_by_zone() -> None:
    whole = replace(plan(A=[1, NAN, 3, 4], B=[1, 2, 3, NAN]), sent={"A": 2, "B": 3, "C": 0})
    assert whole.zones_sent() == {
        "A": ZoneSent(rows=2, last_seq=2),
        "B": ZoneSent(rows=3, last_seq=3, final=True),
        "C": ZoneSent(rows=0, last_seq=0, final=True),
    }


def test_what_is_sent_first_is_the_first_row_that_some_zone_lacks() -> None:
    whole = plan(A=[1, 2, 3, 4], B=[1, 2, 3, 4])
    rest = replace(whole, sent={"A": 2, "B": 0, "C": 0})
    assert rest.first == 1
    assert [(f.zone, f.seq) for f in rest.frames()] == [
        *(("B", 1), ("B", 2)),
        *(("A", 3), ("B", 3)),
        *(("A", 4), ("B", 4)),
    ]


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ({"A": [1, 2, 9, 4]}, "row 2 of zone A, 2024-01-01T02:00:00Z, is not that of this replay"),
        ({"A": [1, 2]}, "row 2 of zone A, 2024-01-01T02:00:00Z, is not that of this replay"),
        ({"A": [1, NAN, 3, 4]}, "row 1 of zone A is not a row of this replay"),
        ({"B": [1, 2, 3, 4]}, "zone A, 2024-01-01T00:00:00Z, is not that of this replay"),
    ],
)
def test_other_data_are_refused_with_the_row(now: dict[str, list[float]], says: str) -> None:
    begun = list(plan(A=[1, 2, 3, 4]).frames())
    sent = rows_of(frame for frame in begun if frame.zone == "A" and frame.seq < 3)
    with pytest.raises(DataError, match=f"is not the beginning of this replay: .*{says}") as error:
        rest_of(plan(**now), sent)
    assert "--seed" in (error.value.hint or "")


def test_another_seed_is_refused() -> None:
    two = Grid("t", tuple(Node(f"A{i}", "", 0, 0, "A", 0.5, 1.0, 1.0) for i in range(2)), ())
    begun = replace(plan(A=[1, 2, 3, 4]), grid=two)
    with pytest.raises(DataError, match="not that of this replay"):
        rest_of(replace(begun, seed=1), rows_of(list(begun.frames())[:2]))


def test_a_row_missing_in_between_is_refused() -> None:
    whole = plan(A=[1, 2, 3, 4])
    sent = rows_of(frame for frame in whole.frames() if frame.zone == "A" and frame.seq in (0, 2))
    with pytest.raises(DataError, match="row 1 of zone A, 2024-01-01T01:00:00Z, is missing"):
        rest_of(whole, sent)


@pytest.mark.integration
async def test_the_rest_of_a_run_is_read_from_the_topic_among_other_runs() -> None:
    whole = plan(A=[1, 2, 3, 4], B=[1, 2, 3, NAN])
    begun = list(whole.frames())
    with embedded_broker() as running:
        config = load_settings(broker=f"kafka://{running.bootstrap}")
        assert await behind_the_topic(config, whole) == whole
        async with KafkaSink(config, GRID.zones) as sink:
            await replay(plan("r2", A=[5, 6, 7, 8]), sink, Pace(Speed(MAX_SPEED)))
            await sink.send(tuple(f for f in begun if f.seq < 2 and f.zone != "B"))
            rest = await behind_the_topic(config, whole)
            assert rest.sent == {"A": 1, "C": 0}
            summary = await replay(rest, sink, Pace(Speed(MAX_SPEED)))
        assert (summary.rows, summary.end) == (5, "2024-01-01T04:00:00Z")
        assert rows_of(await frames_of(config, "r")) == rows_of(begun)
        assert list((await behind_the_topic(config, whole)).frames()) == []


@pytest.mark.integration
async def test_rows_that_the_topic_lacks_may_be_sent_again_but_are_not_resumed_over() -> None:
    whole = plan(A=[1, 2, 3, 4])
    with embedded_broker() as running:
        config = load_settings(broker=f"kafka://{running.bootstrap}")
        async with KafkaSink(config, GRID.zones) as sink:
            await sink.send(tuple(f for f in whole.frames() if f.zone == "A" and f.seq in (1, 3)))
            await sink.flush()
        await check_sent(config, whole)
        with pytest.raises(DataError, match="row 0 of zone A, 2024-01-01T00:00:00Z, is missing"):
            await behind_the_topic(config, whole)
        with pytest.raises(DataError, match=r"row 3 of zone A, .* is not that of this replay"):
            await check_sent(config, plan(A=[1, 2, 3, 5]))


async def frames_of(config: Settings, run: str) -> list[MeasurementFrame]:
    found = await read_topic(config.bootstrap, MEASUREMENTS)
    decoded = [decode(record.value, MeasurementFrame) for record in found]
    return [frame for frame in decoded if frame.run == run]


@pytest.mark.integration
def test_a_killed_replay_resumes_without_a_gap_and_without_a_repetition(tmp_path: Path) -> None:
    with embedded_broker() as running:
        config = load_settings(broker=f"kafka://{running.bootstrap}")
        environment = os.environ | {
            "PYTHONPATH": str(CHECKOUT),
            "GRIDSTRESS_BROKER": config.broker,
        }

        def begin(*words: str) -> "subprocess.Popen[str]":
            return subprocess.Popen(
                [sys.executable, "-m", "gridstress", "replay", "--until", "2025-02-01", *words],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

        def end(*words: str) -> tuple[int, str]:
            process = begin("--speed", "max", *words)
            return process.wait(60), process.communicate()[1]

        def sent() -> list[MeasurementFrame]:
            return asyncio.run(frames_of(config, "r"))

        assert end("--run", "whole")[0] == 0
        victim = begin("--run", "r", "--speed", "36000")
        wait_for(lambda: len(sent()) > 30, "the replay is on its way")
        victim.send_signal(signal.SIGKILL)
        victim.communicate()

        code, err = end("--run", "r", "--resume")
        assert code == 0
        assert "run r goes on at 2025-01-0" in err
        numbers = Counter((f.zone, f.seq + i) for f in sent() for i in range(len(f.timestamps)))
        assert set(numbers.values()) == {1}
        whole = asyncio.run(frames_of(config, "whole"))
        assert numbers.keys() == {
            (f.zone, f.seq + i) for f in whole for i in range(len(f.timestamps))
        }

        code, err = end("--run", "r", "--resume")
        assert (code, "run r is complete" in err) == (0, True)
        code, err = end("--run", "r", "--resume", "--seed", "7")
        assert (code, "is not the beginning" in err) == (4, True)


class Commands:
    """The command line against a broker, in a directory with load files of ``TenneT``."""

    def __init__(self, config: Settings, directory: Path) -> None:
        self.config, self.directory = config, directory

    def __call__(self, *words: str, given: str = "") -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "gridstress", *words],
            cwd=self.directory,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT), "GRIDSTRESS_BROKER": self.config.broker},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stderr

    def replay(self, *words: str) -> tuple[int, str]:
        return self("replay", *words, "--run", "r", "--speed", "max")

    def write(self, name: str, loads: Iterable[float]) -> None:
        rows = [f"2025-01-01T{hour:02}:00Z,TenneT,{mw}" for hour, mw in enumerate(loads)]
        (self.directory / name).write_text("\n".join(["timestamp,zone,load_mw", *rows, ""]))

    def sent(self) -> list[MeasurementFrame]:
        return asyncio.run(frames_of(self.config, "r"))

    def record(self) -> RunRecord:
        return asyncio.run(read_records(self.config.kafka))["r"]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Commands]:
    with embedded_broker() as running:
        made = Commands(load_settings(broker=f"kafka://{running.bootstrap}"), tmp_path)
        made.write("load.csv", DAY)
        assert made.replay("load.csv")[0] == 0
        yield made


@pytest.mark.integration
def test_a_replay_of_other_data_under_a_known_name_is_refused(command: Commands) -> None:
    begun = rows_of(command.sent())
    command.write("other.csv", [*DAY[:-1], 1])
    command.write("longer.csv", [*DAY, 20_500])
    for words in (
        ["load.csv", "--seed", "7"],
        ["load.csv", "--start", "2025-01-01T01:00"],
        ["load.csv", "--until", "2025-01-01T11:00"],
        ["other.csv"],
        ["longer.csv"],
    ):
        code, err = command.replay(*words)
        refused = "run 'r' in grid_measurements is not the beginning of this replay" in err
        assert (code, refused) == (4, True), (words, err)
    assert rows_of(command.sent()) == begun


@pytest.mark.integration
def test_the_same_rows_are_taken_whatever_their_file_is_called(command: Commands) -> None:
    command.write("renamed.csv", DAY)
    for words in (["renamed.csv", "--resume"], ["renamed.csv"]):
        assert command.replay(*words)[0] == 0
        record = command.record()
        assert (record.state, record.sent["TenneT"]) == ("ended", ZoneSent(12, 12, True))


@pytest.mark.integration
def test_a_live_feed_under_the_name_of_a_replay_is_refused(command: Commands) -> None:
    before = command.record()
    code, err = command("feed", "lines", given=encode(command.sent()[0]).decode())
    assert (code, "run 'r' is a replay already" in err) == (2, True), err
    assert command.record() == before
    assert command.replay("load.csv", "--resume")[0] == 0
