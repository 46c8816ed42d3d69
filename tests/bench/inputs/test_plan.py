from datetime import UTC, datetime, timedelta

from bench.inputs.plan import MAX_NODE_MEASUREMENTS, MAX_RUNS, rows_for, stretches, winter_of

START = datetime(2025, 1, 6, tzinfo=UTC)


def test_a_few_rows_are_one_run_of_exactly_these():
    (only,) = stretches(100, START, 8000)
    assert (only.run, only.rows, only.start) == ("bench-1", 100, START)
    assert only.until == START + timedelta(hours=100)


def test_more_rows_than_a_winter_has_become_several_runs_of_equal_length():
    found = stretches(5000, START, 8000)
    assert [s.rows for s in found] == [1667, 1667, 1667]
    assert len({s.run for s in found}) == 3


def test_there_are_never_more_runs_than_a_worker_keeps():
    found = stretches(40_000, START, 8000)
    assert [s.rows for s in found] == [5000] * MAX_RUNS
    assert len(stretches(10**6, START, 8000)) == MAX_RUNS


def test_a_run_is_not_longer_than_the_series():
    assert all(s.rows <= 500 for s in stretches(3000, START, 500))


def test_rows_keep_a_worker_busy_for_the_time_asked_for():
    assert rows_for(rate=20_000, nodes=2000, seconds=30) == 300
    assert rows_for(rate=1, nodes=9241, seconds=1) == 1


def test_rows_are_bounded_whatever_the_rate():
    assert rows_for(1e9, 2000, 30) == MAX_NODE_MEASUREMENTS / 2000


def test_winter_begins_on_the_first_monday_of_a_working_week():
    hours = [datetime(2024, 12, 31, 23, tzinfo=UTC) + timedelta(hours=h) for h in range(8000)]
    assert winter_of(hours) == START


def test_a_series_without_winter_is_taken_from_its_beginning():
    first = datetime(2025, 6, 1, tzinfo=UTC)
    assert winter_of([first, first + timedelta(hours=1)]) == first
