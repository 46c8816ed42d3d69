"""Frames at the first and the last time there may be: results lie outside, and all can be used."""

from datetime import datetime, timedelta

import msgspec
import pytest

from gridstress.verify import records
from gridstress.verify.compare import Observed, compare
from gridstress.verify.recompute import recompute
from tables.shard_view import view_of
from tests.agents.test_any_delivery import GRID, MODEL, NODES, SETTINGS, SHARDS, Run, propagated
from tests.frames import START
from topology.messages import EARLIEST, LATEST, MeasurementFrame, decode, encode
from ui.shape_check import Shape

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
    run, shape = Run(), Shape(GRID, [MODEL], SHARDS)
    for frame in frames:
        for part in propagated(frame):
            await run.feed(part)
            check_view(run, shape, part.shard)
    found = Observed()
    read = [records.window_of(records.parse(sent["value"])) for sent in run.windows.sent]
    found.windows[MODEL] = read
    found.alerts[MODEL] = [records.alert_of(records.parse(s["value"])) for s in run.alerts.sent]
    found.aside = run.observed().aside
    outcome = compare(recompute(frames, GRID, SETTINGS), found)[MODEL]
    assert outcome.ok, outcome.problems
    assert min((window.window_start for window in read), default=None) == earliest
    assert bool(found.alerts[MODEL]) == bool(read)


def check_view(run: Run, shape: Shape, shard: int) -> None:
    """What the worker publishes of the shard now can be shown."""
    stage = run.stages[shard]
    state = stage.table.state("r", shard)
    assert state is not None
    size = shape.sizes[shard]
    view = view_of(
        stage.table, state, run.model.spec, model=MODEL, run="r", shard=shard, shard_size=size,
        zones=GRID.zones, silent=(), worker="w:1", published_at=0.0,
    )  # fmt: skip
    shape.check_view(msgspec.json.decode(msgspec.json.encode(view), type=type(view)))
