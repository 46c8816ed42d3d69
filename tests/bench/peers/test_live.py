import pytest

from bench.peers.live import frame_steps, latencies_ms, live_rows, record_steps
from bench.peers.material import Material, material
from gridstress.settings import Settings
from topology.codec import decode
from topology.errors import GridstressError
from topology.loaders import load_grid
from topology.messages import MeasurementFrame

HOUR_S = 3600


@pytest.fixture(scope="module")
def day() -> Material:
    return material(load_grid("germany"), Settings(_env_file=None), 24, batch=5)


def test_a_live_run_lasts_its_time_but_has_a_day_at_least_and_the_year_at_most():
    assert live_rows(4.0, 8760) == 80
    assert live_rows(0.1, 8760) == 24
    assert live_rows(4000.0, 8760) == 8760


def test_records_are_sent_row_by_row(day: Material):
    steps = list(record_steps(day))
    assert [step.position for step in steps] == list(range(24))
    assert [list(step.times_s) for step in steps] == [
        [int(day.start_s) + hour * HOUR_S] for hour in range(24)
    ]
    assert {len(step.records) for step in steps} == {57}


def test_frames_are_sent_as_they_are_cut_with_all_zones_of_a_time_together(day: Material):
    steps = list(frame_steps(day, 4))
    assert [step.position for step in steps] == [0, 5, 10, 15, 20, 24]
    assert [len(step.times_s) for step in steps] == [5, 5, 5, 5, 4, 0]
    frames = [[decode(value, MeasurementFrame) for *_, value, _ in step.records] for step in steps]
    assert {len(ones) for ones in frames} == {4}
    assert [frame.final for ones in frames for frame in ones] == [False] * 20 + [True] * 4


def test_only_rows_behind_the_warm_up_that_led_to_a_result_count():
    sent_s = {hour * HOUR_S: float(hour) for hour in range(10)}
    seen_s = {row: at_s + (9.0 if at_s < 4 else 0.5) for row, at_s in sent_s.items()}
    del seen_s[7 * HOUR_S]
    assert latencies_ms(sent_s, seen_s) == [500.0] * 5


def test_a_run_without_any_result_has_no_latency():
    with pytest.raises(GridstressError, match="no result of 6 rows"):
        latencies_ms(dict.fromkeys(range(10), 0.0), {})
