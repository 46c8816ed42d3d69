"""Loads of zones become a run's frames: in order, once, and holes only when they are old."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gridstress.datasets.series import LoadSeries
from gridstress.live.live_run import LiveRun
from gridstress.replay.schedule import MAX_BATCH, Schedule
from tests.support.frames import hour_s
from topology.grid import Grid, Node

HOUR_S = 3600
NOW_S = hour_s(1000)
FIRST = hour_s(0) // HOUR_S
"""Number of the hour 0."""

GRID = Grid(
    "small",
    tuple(Node(i, i, 50.0, 9.0, zone, 0.5, 100.0, 0.5) for i, zone in ("an", "bn", "cs")),
    (),
)


def live(**changes: object) -> LiveRun:
    asked: dict[str, object] = {"since_s": hour_s(0), "patience_s": 6 * HOUR_S, **changes}
    return LiveRun("live", GRID, HOUR_S, **asked)  # type: ignore[arg-type]


def rows(run: LiveRun, loads: Mapping[int, float], now_s: float = NOW_S) -> list[tuple[int, float]]:
    """Hour and load of each row of zone ``n`` that is given, the zone's load being the sum."""
    found = []
    for frame in run.take("n", loads, now_s):
        assert (frame.run, frame.zone, frame.period_s) == ("live", "n", HOUR_S)
        assert len(frame.timestamps) <= MAX_BATCH
        for i, (time_s, row) in enumerate(zip(frame.times_s, frame.load_mw, strict=True)):
            assert frame.seq + i == time_s / HOUR_S
            found.append((frame.seq + i - FIRST, round(sum(row), 2)))
    return found


def test_what_is_new_is_given_once_and_numbered_by_its_time() -> None:
    run = live()
    loads = {hour_s(h): 100.0 + h for h in range(5)}
    assert rows(run, loads) == [(h, 100.0 + h) for h in range(5)]
    assert run.next_s("n") == hour_s(5)
    loads[hour_s(5)] = 7.0
    assert rows(run, loads) == [(5, 7.0)]
    assert rows(run, loads) == []
    assert run.next_s("s") == hour_s(0)


def test_a_young_hole_is_waited_for_and_an_old_one_passed_over() -> None:
    run = live()
    loads = {hour_s(h): 50.0 for h in (0, 1, 3, 4)}
    assert [seq for seq, _ in rows(run, loads, now_s=hour_s(5))] == [0, 1]
    assert [seq for seq, _ in rows(run, loads, now_s=hour_s(9) - 1)] == []
    assert [seq for seq, _ in rows(run, loads, now_s=hour_s(9))] == [3, 4]


def test_a_hole_that_is_filled_in_time_leaves_no_trace() -> None:
    run = live()
    loads = {hour_s(h): 50.0 for h in (0, 2)}
    assert [seq for seq, _ in rows(run, loads, now_s=hour_s(3))] == [0]
    loads[hour_s(1)] = 60.0
    assert rows(run, loads, now_s=hour_s(3)) == [(1, 60.0), (2, 50.0)]


def test_a_value_that_is_no_number_is_missing() -> None:
    loads = {hour_s(0): 50.0, hour_s(1): float("nan"), hour_s(2): 50.0}
    assert [seq for seq, _ in rows(live(), loads)] == [0, 2]


def test_a_run_that_is_gone_on_with_leaves_out_what_was_sent() -> None:
    run = live(sent={"n": FIRST + 2})
    assert [seq for seq, _ in rows(run, {hour_s(h): 50.0 for h in range(5)})] == [3, 4]


def test_where_a_feed_begins_and_what_it_remembers_changes_no_number() -> None:
    loads = {hour_s(h): 50.0 for h in range(10)}
    begun_later = live(since_s=hour_s(7))
    remembers = live(sent={"n": FIRST + 6})
    assert rows(begun_later, loads) == rows(remembers, loads) == rows(live(), loads)[7:]


@given(
    hours=st.sets(st.integers(0, 60)),
    cuts=st.lists(st.integers(0, 70), max_size=5),
)
def test_in_however_many_looks_the_same_comes_out(hours: set[int], cuts: list[int]) -> None:
    loads = {hour_s(h): 50.0 + h for h in hours}
    at_once = rows(live(patience_s=0), loads)
    run, found = live(patience_s=0), []
    for hour in [*sorted(cuts), 1000]:
        seen = {t: mw for t, mw in loads.items() if t < hour_s(hour)}
        found += rows(run, seen, now_s=hour_s(hour))
    assert found == at_once == [(h, 50.0 + h) for h in sorted(hours)]


def test_nodes_get_the_shares_that_a_replay_gives_them() -> None:
    index = pd.date_range("2019-01-01", periods=30, freq="h", tz="UTC")
    series = LoadSeries(pd.DataFrame({"n": np.linspace(50, 90, 30)}, index), HOUR_S, "x")
    (zone,) = series.zones
    loads = {int(t.timestamp()): float(mw) for t, mw in series.values[zone].items()}
    replayed = [f for f in Schedule(series, GRID, "live").frames(24) if not f.final]
    fed = list(live().take("n", loads, NOW_S))
    assert [structs.replace(frame, seq=frame.seq - FIRST) for frame in fed] == replayed
