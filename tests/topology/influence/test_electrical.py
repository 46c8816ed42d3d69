import numpy as np
import pytest

from tests.topology.physics.test_power_flow import line, node, square
from topology.grid import Grid
from topology.influence.electrical import electrical_influence
from topology.loaders import load_grid
from topology.loaders.refine import refine
from topology.models import InfluenceParams


def influence(grid: Grid) -> np.ndarray:
    return electrical_influence(grid, InfluenceParams()).toarray()


def test_a_node_takes_on_the_part_of_a_rise_that_passes_it() -> None:
    # a feeds; what b takes more comes over a-b by three quarters and by a-d, d-c, c-b by one.
    assert influence(square(a=100))[1] == pytest.approx([0.5, 1, 0.25, 0.25])


def test_who_supplies_itself_concerns_nobody() -> None:
    assert influence(square(a=100))[0] == pytest.approx([1, 0, 0, 0])


def test_what_passes_by_less_than_a_tenth_is_left_out() -> None:
    # Two ways from a to b; the one over c has 19 times the reactance.
    nodes = (node("a", 1), node("b"), node("c"))
    lines = (line("a", "b", ohm=1), line("a", "c", ohm=9.5), line("b", "c", ohm=9.5))
    assert influence(Grid("ring", nodes, lines))[1] == pytest.approx([0.5, 1, 0])


def test_islands_do_not_concern_each_other() -> None:
    nodes = (node("a", 1), node("b"), node("c", 1), node("d"))
    found = influence(Grid("two", nodes, (line("a", "b"), line("c", "d"))))
    assert not found[:2, 2:].any()
    assert not found[2:, :2].any()


def test_without_lines_everybody_keeps_to_himself() -> None:
    assert influence(Grid("apart", (node("a"), node("b")), ())).tolist() == [[1, 0], [0, 1]]


def test_all_factors_are_in_bounds_and_most_pairs_are_left_out() -> None:
    for grid in (load_grid("germany"), refine(load_grid("germany"), 600)):
        found = electrical_influence(grid, InfluenceParams())
        assert found.data.min() >= 0.1
        assert found.data.max() == 1
        assert (found.diagonal() == 1).all()
        assert found.nnz < 0.35 * len(grid.nodes) ** 2
