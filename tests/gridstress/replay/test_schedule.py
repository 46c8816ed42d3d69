from itertools import cycle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridstress.datasets.series import LoadSeries
from gridstress.kafka.topics import MAX_FRAME_BYTES
from gridstress.replay.schedule import (
    LOOKED_AT,
    VARIATION,
    Schedule,
    node_keys,
    steps,
    variation,
)
from topology.codec import decode, encode
from topology.errors import DataError
from topology.grid import Grid, Node
from topology.messages import MeasurementFrame

NAN = float("nan")
START_S = 1_704_067_200


def grid(**nodes_of: int) -> Grid:
    nodes = [
        Node(f"{zone}-{i}", "", 0, 0, zone, (i + 1) / (count * (count + 1) / 2), 1.0, 1.0)
        for zone, count in nodes_of.items()
        for i in range(count)
    ]
    return Grid("test", tuple(nodes), ())


def series(period_s: int = 3600, **columns: list[float]) -> LoadSeries:
    rows = len(next(iter(columns.values())))
    index = pd.to_datetime(START_S + period_s * np.arange(rows), unit="s", utc=True)
    return LoadSeries(pd.DataFrame(columns, index, dtype=float), period_s, "test")


def rows_of(frames: list[MeasurementFrame]) -> dict[tuple[str, int], tuple[float, list[float]]]:
    """Time and loads of every row by zone and sequence number; no number may come twice."""
    rows = {}
    for frame in frames:
        for i, (time, loads) in enumerate(zip(frame.timestamps, frame.load_mw, strict=True)):
            assert (frame.zone, frame.seq + i) not in rows
            rows[frame.zone, frame.seq + i] = (time.timestamp(), loads)
    return rows


loads = st.lists(st.one_of(st.floats(0, 1e5), st.just(NAN)), min_size=60, max_size=60)


@given(a=loads, b=loads, batch=st.integers(1, 24), seed=st.integers(0, 5))
def test_rows_are_the_same_however_they_are_cut_into_messages(
    a: list[float], b: list[float], batch: int, seed: int
) -> None:
    single = Schedule(series(A=a, B=b), grid(A=3, B=2), "run", seed)
    frames = list(single.frames(batch))
    assert rows_of(frames) == rows_of(list(single.frames()))
    for zone, values in (("A", a), ("B", b)):
        mine = [frame for frame in frames if frame.zone == zone]
        assert [f.final for f in mine] == [False] * (len(mine) - 1) + [True]
        starts = [f.seq for f in mine]
        assert starts == sorted(starts)
        present = [i for i, value in enumerate(values) if not np.isnan(value)]
        end = present[-1] + 1 if present else 0
        assert sorted(seq for z, seq in rows_of(mine) if z == zone) == [*present, end]
        assert mine[-1].seq == end
        assert mine[-1].timestamps[0].timestamp() == START_S + end * 3600


@given(a=loads, seed=st.integers(0, 5))
def test_a_zones_nodes_sum_up_to_its_load(a: list[float], seed: int) -> None:
    for frame in Schedule(series(A=a), grid(A=7), "run", seed).frames(24):
        for i, row in enumerate(frame.load_mw):
            if not frame.final:
                assert sum(row) == pytest.approx(a[frame.seq + i], abs=0.0005 * 7)


def test_a_row_has_its_position_for_a_number_and_its_time_with_it() -> None:
    rows = rows_of(list(Schedule(series(900, A=[1, NAN, 3]), grid(A=1), "run").frames()))
    assert rows == {
        ("A", 0): (START_S, [1]),
        ("A", 2): (START_S + 1800, [3]),
        ("A", 3): (START_S + 2700, []),
    }


def test_all_zones_of_a_time_come_before_the_next_time() -> None:
    schedule = Schedule(series(A=[1, 2], B=[1, 2]), grid(A=1, B=1), "run")
    sent = [
        (step.position, step.time_s, [f.zone for f in step.frames])
        for step in steps(schedule.begin())
    ]
    assert sent == [
        (0, START_S, ["A", "B"]),
        (1, START_S + 3600, ["A", "B"]),
        (2, START_S + 7200, ["A", "B"]),
    ]
    assert [f.final for f in schedule.frames()] == [False] * 4 + [True] * 2


def test_a_zone_without_data_ends_at_the_very_start() -> None:
    schedule = Schedule(series(A=[1, 2], C=[NAN, NAN]), grid(A=1, B=1, C=1), "run")
    first = schedule.begin().take(1)
    assert schedule.empty_zones == ("B", "C")
    assert [(f.zone, f.seq, f.final) for f in first.frames] == [
        ("A", 0, False),
        ("B", 0, True),
        ("C", 0, True),
    ]
    assert first.frames[1].timestamps[0].timestamp() == START_S


def test_a_zone_that_ends_early_gets_its_final_frame_then() -> None:
    schedule = Schedule(series(A=[1, 2, 3], B=[1, NAN, NAN]), grid(A=1, B=1), "run")
    finals = [
        (s.position, f.zone, f.seq) for s in steps(schedule.begin()) for f in s.frames if f.final
    ]
    assert finals == [(1, "B", 1), (3, "A", 3)]


def test_nodes_vary_a_little_from_hour_to_hour_and_seed_to_seed() -> None:
    def shares(seed: int) -> np.ndarray:
        frames = Schedule(series(A=[1e5] * 200), grid(A=2), "run", seed).frames(24)
        return np.array([row for f in frames if not f.final for row in f.load_mw]) / 1e5

    share = shares(0)
    assert share.std(axis=0).min() > 0.005
    assert np.abs(share[:, 0] / (1 / 3) - 1).max() < 2 * VARIATION
    assert share.mean(axis=0) == pytest.approx([1 / 3, 2 / 3], abs=0.005)
    assert not np.array_equal(share, shares(1))


def test_quarters_of_an_hour_vary_together() -> None:
    frames = list(Schedule(series(900, A=[100.0] * 8), grid(A=3), "run").frames())
    loads = [frame.load_mw[0] for frame in frames if not frame.final]
    assert loads[0] == loads[3]
    assert loads[3] != loads[4]


def test_the_variation_of_a_node_does_not_depend_on_the_others() -> None:
    hours = np.arange(400_000, 400_050)
    alone = variation(node_keys(["x"], 1), hours)[:, 0]
    among = variation(node_keys(["z", "x", "a"], 1), hours[::-1])[::-1, 1]
    assert np.array_equal(alone, among)
    assert -1 <= alone.min() < -0.5 < 0.5 < alone.max() < 1


def test_the_variation_is_that_of_splitmix64() -> None:
    def splitmix64(state: int) -> int:
        mask = (1 << 64) - 1
        z = (state + 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    assert splitmix64(0) == 0xE220A8397B1DCDAF  # the published first number of seed 0
    found = variation(np.array([0], dtype=np.uint64), np.array([0]))
    assert found[0, 0] == 2 * ((splitmix64(0) >> 11) * 2.0**-53) - 1


@pytest.mark.parametrize(("nodes", "rows"), [(2_500, 24), (4_000, 20), (20_000, 3)])
def test_a_message_holds_as_many_rows_as_fit(nodes: int, rows: int) -> None:
    schedule = Schedule(series(A=[900_000.0] * 50), grid(A=nodes), "run")
    frames = [frame for frame in schedule.frames(24) if not frame.final]
    assert max(len(f.timestamps) for f in frames) == rows
    assert max(len(encode(f)) for f in frames) <= MAX_FRAME_BYTES
    assert sorted(seq for _, seq in rows_of(frames)) == list(range(50))


def test_frames_are_what_the_contract_says() -> None:
    for frame in Schedule(series(900, A=[1, 2]), grid(A=2), "run").frames():
        assert decode(encode(frame), MeasurementFrame) == frame
        assert frame.period_s == 900
        assert frame.run == "run"


def test_a_zone_whose_nodes_have_no_share_is_an_error() -> None:
    node = Node("n", "", 0, 0, "A", 0.0, 1.0, 1.0)
    schedule = Schedule(series(A=[1]), Grid("test", (node,), ()), "run")
    with pytest.raises(DataError, match="'A' have no share"):
        list(schedule.frames())


@given(a=loads, b=loads, batches=st.lists(st.integers(1, 24), min_size=1, max_size=20))
def test_rows_keep_their_numbers_when_the_size_of_messages_changes(
    a: list[float], b: list[float], batches: list[int]
) -> None:
    schedule, sizes = Schedule(series(A=a, B=b), grid(A=3, B=2), "run"), cycle(batches)
    unsent, found = schedule.begin(), list[MeasurementFrame]()
    while (time_s := unsent.time_s) is not None:
        step = unsent.take(next(sizes))
        assert step.time_s == time_s
        found += step.frames
    assert rows_of(found) == rows_of(list(schedule.frames()))


@given(
    a=st.lists(st.one_of(st.floats(0, 2), st.just(NAN)), min_size=1, max_size=8),
    lengths=st.lists(st.integers(1, 200), min_size=8, max_size=8),
    batches=st.lists(st.integers(1, 24), min_size=1, max_size=5),
)
def test_calm_rows_are_those_before_the_next_one_that_stresses_a_node(
    a: list[float], lengths: list[int], batches: list[int]
) -> None:
    """Of a load that stays the same for some hours."""
    a = [load for load, hours in zip(a, lengths, strict=False) for _ in range(hours)]
    schedule = Schedule(series(A=a, B=[0.1] * len(a)), grid(A=3, B=2), "run")
    stressed = {
        row
        for (_, row), (_, loads) in rows_of(list(schedule.frames())).items()
        if any(load > 0.5 for load in loads)
    }
    rows, at = schedule.begin(), 0
    for batch in cycle(batches):
        if at >= len(a):
            break
        following = min((row for row in stressed if row >= at), default=len(a))
        calm = rows.calm_rows(0.5)
        assert calm <= following - at
        assert calm == following - at or calm >= LOOKED_AT // 2
        rows.take(batch)
        at += batch


def test_a_zone_whose_row_does_not_fit_into_a_frame_is_refused_before_anything_is_sent() -> None:
    schedule = Schedule(series(A=[1.0, NAN, 90.0, 2.0]), grid(A=70_000), "run")
    with pytest.raises(DataError, match=r"zone 'A' has 70,000 nodes.* 1,000,000 bytes") as refused:
        schedule.begin()
    assert "divide the zone" in refused.value.hint


def test_the_row_of_a_very_large_zone_is_one_frame() -> None:
    nodes = 40_000
    schedule = Schedule(series(A=[70_000.0] * 2), grid(A=nodes), "run")
    frames = list(schedule.frames(batch=24))
    assert [(f.seq, len(f.nodes), len(f.timestamps)) for f in frames if not f.final] == [
        (0, nodes, 1),
        (1, nodes, 1),
    ]
    assert max(len(encode(frame)) for frame in frames) <= MAX_FRAME_BYTES
