import pytest

from bench.measures.applied_times import Progress, applied_ms
from topology.errors import GridstressError

ONE, OTHER = ("linear", 0), ("linear", 1)


def test_a_row_is_done_when_the_last_shard_has_applied_it():
    steps = {ONE: [(100, 0), (300, 2)], OTHER: [(200, 1), (250, 2)]}
    assert applied_ms(steps, [0, 1, 2], parts=2).tolist() == [200, 300, 300]


def test_a_state_that_is_written_again_by_the_next_owner_changes_nothing():
    steps = {ONE: [(100, 0), (200, 3), (900, 1), (950, 4)]}
    assert applied_ms(steps, [0, 1, 3, 4], parts=1).tolist() == [100, 200, 200, 950]


def test_a_missing_shard_is_an_error():
    with pytest.raises(GridstressError, match="1 of 2 shards"):
        applied_ms({ONE: [(100, 0)]}, [0], parts=2)


def test_a_row_that_was_never_applied_is_an_error():
    with pytest.raises(GridstressError, match="not applied all rows"):
        applied_ms({ONE: [(100, 0)]}, [0, 1], parts=1)


def test_a_run_ends_with_the_last_row_of_its_slowest_zone():
    progress = Progress()
    progress.steps["r", "north"][ONE] += [(100, 0), (400, 1)]
    progress.steps["r", "south"][ONE] += [(300, 0)]
    assert progress.ended_ms({("r", "north"): 1, ("r", "south"): 0}, parts=1) == 400
    with pytest.raises(GridstressError):
        progress.ended_ms({("r", "west"): 0}, parts=1)
