from tests.topology.samples import small_grid
from topology.islands import islands, islands_of
from topology.loaders import build_grid


def test_lines_join_nodes_in_both_directions_and_over_others() -> None:
    assert islands("abcde", [("c", "b"), ("a", "b")]) == [["a", "b", "c"], ["d"], ["e"]]


def test_islands_come_in_the_order_of_their_first_ids_with_sorted_members() -> None:
    assert islands("zcya", [("a", "z"), ("y", "c")]) == [["a", "z"], ["c", "y"]]


def test_ids_that_only_lines_name_count_too() -> None:
    assert islands("a", [("x", "y")]) == [["a"], ["x", "y"]]


def test_nothing_has_no_islands() -> None:
    assert islands([], []) == []


def test_a_whole_grid_is_one_island() -> None:
    assert islands_of(build_grid(small_grid())) == [["a", "b", "c", "d"]]
