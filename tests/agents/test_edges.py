"""Frames with the first and the last times, and the largest loads, there may be: all is used."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from agents.detection import Detection
from agents.propagation import Propagation
from gridstress.verify import records
from gridstress.verify.compare import Observed, compare
from gridstress.verify.recompute import recompute
from tables.shard_view import view_of
from tests.agents.test_any_delivery import (
    GRID,
    INFLUENCE,
    MODEL,
    NODES,
    SETTINGS,
    SHARDS,
    Run,
    propagated,
)
from tests.support.frames import START
from topology.codec import decode, encode
from topology.messages import (
    EARLIEST,
    LATEST,
    MeasurementFrame,
    PropagatedFrame,
    RiskWindow,
    StressFrame,
)
from ui.api.record_check import RecordValidator

HOUR = timedelta(hours=1)
SIZE = timedelta(seconds=SETTINGS.size_s)


def rows(begin: datetime, zone: str, first: datetime | None = None) -> list[MeasurementFrame]:
    """Nine stressed hours of a zone, the first maybe at another time, and its end."""
    times = [begin + HOUR * n for n in range(10)]
    times[0] = first or times[0]
    made = [
        MeasurementFrame(
            run="r", zone=zone, seq=n, timestamps=[time], final=n == 9,
            nodes=[] if n == 9 else NODES[zone], load_mw=[[] if n == 9 else [130.3, 93.7]],
        )
        for n, time in enumerate(times)
    ]  # fmt: skip
    return [decode(encode(frame), MeasurementFrame) for frame in made]


@pytest.mark.parametrize(
    ("frames", "earliest"),
    [
        ([*rows(EARLIEST, "north"), *rows(EARLIEST, "south")], EARLIEST + HOUR - SIZE),
        ([*rows(LATEST - 9 * HOUR, "north"), *rows(LATEST - 9 * HOUR, "south")],
         LATEST - 8 * HOUR - SIZE),
        ([*rows(START, "north", EARLIEST), *rows(START, "south")], None),
    ],
    ids=["the first", "the last", "one row says the first: nothing closes"],
)  # fmt: skip
async def test_what_comes_of_the_first_and_the_last_time_is_sent_shown_and_verified(
    frames: list[MeasurementFrame], earliest: datetime | None
) -> None:
    run, shape = Run(), RecordValidator(GRID, [MODEL], SHARDS)
    for frame in frames:
        for part in propagated(frame):
            await run.feed(part)
            check_view(run, shape, part.shard)
    read = verified(run, frames)
    assert min((window.window_start for window in read), default=None) == earliest
    assert bool(run.alerts.sent) == bool(read)


def verified(run: Run, frames: list[MeasurementFrame]) -> list[RiskWindow]:
    """The windows of a run as the verifier reads them, which finds nothing wrong."""
    found = Observed()
    read = [
        records.window_of(records.parse(sent["value"], packed=True)) for sent in run.windows.sent
    ]
    found.windows[MODEL] = read
    found.alerts[MODEL] = [records.alert_of(records.parse(s["value"])) for s in run.alerts.sent]
    found.skipped_rows = run.observed().skipped_rows
    outcome = compare(recompute(frames, GRID, SETTINGS), found)[MODEL]
    assert outcome.ok, outcome.problems
    return read


def check_view(run: Run, shape: RecordValidator, shard: int) -> None:
    """What the worker publishes of the shard now can be shown."""
    stage = run.stages[shard]
    state = stage.table.state("r", shard)
    assert state is not None
    size = shape.sizes[shard]
    view = view_of(
        stage.table, state, run.model.spec, model=MODEL, run="r", shard=shard, shard_size=size,
        zones=GRID.zones, idle=(), worker="w:1", published_at=0.0,
    )  # fmt: skip
    shape.check_view(msgspec.json.decode(msgspec.json.encode(view), type=type(view)))


async def test_sums_of_the_largest_loads_are_counted_and_verified() -> None:
    times = [START + timedelta(seconds=n) for n in range(1000)]
    frames = [*rows(START + 2 * HOUR, "north"), *rows(START + 2 * HOUR, "south")]
    huge = MeasurementFrame(
        run="r", zone="north", seq=0, timestamps=times, nodes=["a"], load_mw=[[1e6]] * 1000,
        period_s=86_400,
    )  # fmt: skip
    frames = [huge, *(msgspec.structs.replace(f, seq=f.seq + 1000) for f in frames)]
    run = Run()
    for frame in frames:
        for part in propagated(frame):
            await run.feed(part)
    read = verified(run, frames)
    assert max(max(window.stress, default=0.0) for window in read) > 1e9
    assert [decode(sent["value"], RiskWindow) for sent in run.windows.sent] == read


def test_the_largest_stress_of_a_frame_is_read_by_the_next_stage() -> None:
    weak = replace(GRID, nodes=(replace(GRID.nodes[0], rating_mw=1e-9), *GRID.nodes[1:]))
    frame = rows(START, "north")[0]
    largest = msgspec.structs.replace(frame, load_mw=[[1e6, 1e6]], period_s=86_400)
    (stressed,) = Detection(weak, threshold=1 - 2**-53)(largest)
    assert decode(encode(stressed), StressFrame) == stressed
    for part in Propagation(weak, INFLUENCE, SHARDS)(stressed):
        assert decode(encode(part), PropagatedFrame) == part
