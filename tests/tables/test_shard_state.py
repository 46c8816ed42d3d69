import msgspec
import numpy as np
import pytest

from tables.schema import SCHEMA, add_schema_byte, schema_of, strip_schema_byte
from tables.shard_state import ShardState, unpack
from tables.windows import WindowSpec
from tests.support.older_tables import in_schema

SPEC = WindowSpec(step_s=10, size_s=30, lateness_s=5)
ZONES = ("x", "y")


@pytest.fixture
def state() -> ShardState:
    return ShardState.new(2, started_ms=7)


def test_there_is_no_watermark_before_every_zone_has_spoken(state: ShardState) -> None:
    state.newest_s["x"] = 100.0
    assert state.watermark_s(ZONES, SPEC) is None


def test_the_watermark_is_the_slowest_zone_less_the_lateness(state: ShardState) -> None:
    state.newest_s.update(x=100.0, y=70.0)
    assert state.watermark_s(ZONES, SPEC) == 65.0


def test_a_zone_that_ended_or_fell_silent_holds_nothing_back(state: ShardState) -> None:
    state.newest_s.update(x=100.0, y=70.0)
    assert state.watermark_s(ZONES, SPEC, idle={"y"}) == 95.0
    state.ended_s["y"] = 80.0
    assert state.watermark_s(ZONES, SPEC) == 95.0


def test_when_all_have_ended_the_watermark_is_the_latest_end(state: ShardState) -> None:
    state.newest_s.update(x=100.0, y=70.0)
    state.ended_s.update(x=110.0, y=80.0)
    assert state.watermark_s(ZONES, SPEC) == 110.0


def test_lateness_is_judged_by_the_own_zone(state: ShardState) -> None:
    state.newest_s.update(x=100.0, y=10.0)
    assert state.is_late("x", 94.9, SPEC)
    assert not state.is_late("x", 95.0, SPEC)
    assert not state.is_late("y", 5.0, SPEC)
    assert not state.is_late("z", -1e9, SPEC)


def test_what_is_closed_is_closed_for_a_zone_that_wakes_up(state: ShardState) -> None:
    state.closed_until_s = 90
    assert state.is_late("y", 89.0, SPEC)
    assert not state.is_late("y", 90.0, SPEC)


def test_a_watermark_never_goes_back_when_a_silent_zone_speaks_again(state: ShardState) -> None:
    state.newest_s.update(x=100.0, y=70.0)
    state.passed_s = state.watermark_s(ZONES, SPEC, idle={"y"})
    assert state.watermark_s(ZONES, SPEC) == 95.0


def test_a_zone_ends_at_its_newest_row_or_latest_end(state: ShardState) -> None:
    state.newest_s["x"] = 100.0
    for time_s, ended_s in ((70.0, 100.0), (120.0, 120.0), (110.0, 120.0)):
        state.end("x", time_s)
        assert state.ended_s["x"] == ended_s
    assert state.is_late("x", 1e6, SPEC)


def test_a_state_reads_back_as_it_was_packed(state: ShardState) -> None:
    state.level[1] = 3
    state.since_s[1] = 1234.5
    state.peak_risk[1] = 0.987
    state.applied["x"] = 12
    state.ended_s["x"] = 99.0
    state.closed_until_s = 90
    state.late_rows, state.gaps, state.ahead_rows = 4, 5, 6
    state.add_row("x", 88.0, SPEC)
    state.passed_s, state.turn = 85.0, 3
    again = unpack(state.pack(), SCHEMA)
    assert isinstance(again, ShardState)
    assert again.pack() == state.pack()
    assert np.array_equal(again.level, state.level)
    assert again.spans == [(88.0, 88.0)]
    assert again.peak_risk.tolist() == [0.0, 0.987]
    again.level[0], again.peak_risk[0] = 1, 0.5  # what was read can be written to


def test_an_open_episode_of_an_older_schema_stays_open_and_its_peak_is_not_known(
    state: ShardState,
) -> None:
    state.level[:], state.since_s[:], state.peak_risk[:] = [0, 2], [0.0, 1234.5], [0.0, 0.8]
    older = in_schema(3, b"[,null]", add_schema_byte(state.pack()))
    again = unpack(strip_schema_byte(older), schema_of(older))
    assert isinstance(again, ShardState)
    assert (again.level.tolist(), again.since_s.tolist()) == ([0, 2], [0.0, 1234.5])
    assert again.peaks_of(np.arange(2)) == [0.0, None]
    now = unpack(again.pack(), SCHEMA)
    assert isinstance(now, ShardState)
    assert now.peaks_of(np.arange(2)) == [0.0, None]


@pytest.mark.parametrize("fields", [11, 12])
def test_a_state_of_an_older_schema_closes_all_windows_as_it_did(fields: int) -> None:
    """Before schema 3 there was no tag; before 2, rows ahead were not counted."""
    now = ShardState.new(2, started_ms=7)
    for time_s in (100.0, 500.0):
        now.add_row("x", time_s, SPEC)
    tag, *older = msgspec.msgpack.decode(now.pack())
    assert tag == "run"
    again = unpack(msgspec.msgpack.encode(older[:fields]), schema=1)
    assert isinstance(again, ShardState)
    assert (again.started_ms, again.spans) == (7, [(100.0, 500.0)])
