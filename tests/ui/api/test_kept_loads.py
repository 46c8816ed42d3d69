"""The last loads of each run, and which rows of them are a moment's."""

import pytest
from msgspec.structs import replace

from tests.support.frames import at, ended, hour_s, measured
from topology.codec import encode
from topology.errors import MessageError
from topology.messages import MeasurementFrame
from ui.api import kept_loads
from ui.api.kept_loads import MAX_SPAN_S, KeptLoads, rows_before


def kept(*frames: MeasurementFrame) -> KeptLoads:
    loads = KeptLoads()
    for frame in frames:
        loads.add(encode(frame))
    return loads


def row(hour: int, mw: float, zone: str = "north", node: str = "a") -> MeasurementFrame:
    return measured(zone, [hour], {node: [mw]}, seq=hour)


def test_the_newest_row_of_each_zone_before_a_time_counts() -> None:
    batch = measured("north", [1, 2, 3], {"a": [10.0, 20.0, 30.0]}, seq=1)
    loads = kept(row(0, 5), batch, row(2, 7, "south", "c"), row(3, 8, "south", "c"))
    for before, found in ((0.5, [5.0]), (2.5, [20.0, 7.0]), (3, [20.0, 7.0]), (3.5, [30.0, 8.0])):
        rows = rows_before(loads.of("r"), hour_s(before))
        assert [mw for _, _, (mw,) in rows] == found
    assert list(rows_before(loads.of("r"), hour_s(0))) == []


def test_a_row_stands_for_its_period_alone() -> None:
    loads = kept(row(0, 5))
    assert len(list(rows_before(loads.of("r"), hour_s(1)))) == 1
    assert list(rows_before(loads.of("r"), hour_s(1) + 2)) == []


def test_what_is_sent_again_with_another_value_does_not_count() -> None:
    loads = kept(row(0, 5), row(1, 6), row(1, 900), row(0, 900))
    assert [mw for _, _, mw in rows_before(loads.of("r"), hour_s(1) + 1)] == [[6]]


def test_zones_that_the_grid_does_not_have_take_no_memory() -> None:
    loads = KeptLoads(["north"])
    assert not loads.add(encode(row(0, 5, zone="nowhere")))
    assert loads.add(encode(row(0, 5)))
    assert len(loads.of("r")) == 1


def test_a_single_run_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(encode(row(0, 5))) + kept_loads.FRAME_BYTES
    monkeypatch.setattr(kept_loads, "MAX_BYTES", 10 * size)
    (zone,) = kept(*(row(hour, 5) for hour in range(9, 60))).of("r")
    assert 5 < len(zone) <= 10


def test_at_the_end_of_a_run_its_last_loads_count() -> None:
    loads = kept(row(0, 5), ended("north", 1))
    assert [mw for _, _, mw in rows_before(loads.of("r"), hour_s(1) + 1)] == [[5]]


def test_what_the_workers_refuse_has_no_load() -> None:
    loads = kept(row(0, 5))
    loads.add(encode(row(1, 6.5)).replace(b"[[6.5]]", b"[[6.5,7.5]]"))
    assert list(rows_before(loads.of("r"), hour_s(1.5))) == []
    with pytest.raises(MessageError):
        loads.add(b"{}")
    with pytest.raises(MessageError):
        loads.add(b"\xff")


@pytest.mark.parametrize("period_s", [900, 3600, 86_400])
def test_the_rows_of_a_week_are_kept_however_long_they_stand(period_s: int) -> None:
    most = MAX_SPAN_S // period_s
    rows = [
        replace(row(0, 5), seq=seq, timestamps=[at(seq * period_s / 3600)], period_s=period_s)
        for seq in range(most + 50)
    ]
    (zone,) = kept(*rows).of("r")
    assert (len(zone), zone[0].seq) == (most, 50)


def test_late_rows_count_and_one_number_that_is_far_too_high_hides_no_later_ones() -> None:
    loads = kept(row(0, 5), row(2, 7), row(1, 6), replace(row(3, 900), seq=10**6), row(4, 9))
    for hour, mw in ((0, 5), (1, 6), (2, 7), (4, 9)):
        assert [found for _, _, found in rows_before(loads.of("r"), hour_s(hour) + 1)] == [[mw]]


def test_beyond_its_memory_the_run_goes_that_moved_longest_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        kept_loads, "MAX_BYTES", 3 * (len(encode(row(0, 5))) + kept_loads.FRAME_BYTES)
    )
    loads = KeptLoads()
    for hour, run in enumerate(("r", "s", "r", "t")):
        loads.add(encode(row(hour, 5)).replace(b'"run":"r"', b'"run":"%s"' % run.encode()))
    assert [bool(loads.of(run)) for run in ("r", "s", "t")] == [True, False, True]
