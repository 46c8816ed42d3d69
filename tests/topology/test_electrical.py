import numpy as np
import pytest

from topology.electrical import electrical_influence
from topology.grid import Grid, Line, Node
from topology.influence import InfluenceParams


def grid_of(*lines: tuple[str, str, float, float]) -> Grid:
    """Lines with their length (km) and voltage (kV)."""
    names = sorted({end for line in lines for end in line[:2]})
    return Grid(
        name="g",
        nodes=tuple(Node(n, n, 0, 0, "z", 1, 1, 1) for n in names),
        lines=tuple(Line(s, t, km, kv, 1) for s, t, km, kv in lines),
    )


def influence(grid: Grid, **params: float) -> np.ndarray:
    return electrical_influence(grid, InfluenceParams(decay=0.5, **params)).toarray()


def test_neighbours_on_a_chain_of_equal_lines_are_one_decay_apart() -> None:
    chain = grid_of(("a", "b", 10, 1), ("b", "c", 10, 1))
    np.testing.assert_allclose(influence(chain)[0], [1, 0.5, 0.25])


def test_two_ways_are_nearer_than_one() -> None:
    """Two of three equal resistors in a ring stand beside the third: 2/3 of it."""
    ring = grid_of(("a", "b", 10, 1), ("b", "c", 10, 1), ("c", "a", 10, 1), ("c", "d", 10, 1))
    matrix = influence(ring)
    mean = (3 * 2 / 3 + 1) / 4
    assert matrix[0, 1] == pytest.approx(0.5 ** (2 / 3 / mean))
    assert matrix[2, 3] == pytest.approx(0.5 ** (1 / mean))


def test_parallel_lines_add_up_and_a_higher_voltage_conducts_with_its_square() -> None:
    one = grid_of(("a", "b", 10, 2), ("b", "c", 10, 1))
    four = grid_of(*[("a", "b", 10, 1)] * 4, ("b", "c", 10, 1))
    np.testing.assert_allclose(influence(one), influence(four))


def test_it_ends_at_the_most_hops_and_without_any_hop_is_the_node_itself() -> None:
    chain = grid_of(("a", "b", 10, 1), ("b", "c", 10, 1), ("c", "d", 10, 1))
    assert influence(chain, max_hops=2)[0, 2] > 0
    assert influence(chain, max_hops=2)[0, 3] == 0
    np.testing.assert_array_equal(influence(chain, max_hops=0), np.eye(4))


def test_an_island_is_reckoned_as_if_it_were_alone() -> None:
    lines = [("a", "b", 12, 380), ("b", "c", 30, 220), ("c", "a", 70, 380)]
    far = [(f"{s}{s}", f"{t}{t}", km, kv) for s, t, km, kv in lines]
    both, alone = influence(grid_of(*lines, *far)), influence(grid_of(*lines))
    order = [0, 2, 4]  # a, b, c among a, aa, b, bb, c, cc
    np.testing.assert_allclose(both[np.ix_(order, order)], alone, rtol=1e-9)
    assert not both[np.ix_(order, [1, 3, 5])].any()


def test_a_grid_without_lines_influences_nothing() -> None:
    grid = Grid("g", (Node("a", "a", 0, 0, "z", 1, 1, 1), Node("b", "b", 0, 0, "z", 1, 1, 1)), ())
    np.testing.assert_array_equal(influence(grid), np.eye(2))
