from dataclasses import replace

import numpy as np
import pytest

from tests.topology.physics.test_power_flow import line, node, square
from topology.grid import Grid
from topology.loaders import load_grid
from topology.physics.contingency import Overload, contingencies, injection_of
from topology.physics.power_flow import DcNetwork


def loaded(limit_ab: float = 1e6, limit_ad: float = 1e6) -> Grid:
    """A square that a feeds with 100 MW, taken by b alone."""
    grid = square(a=100)
    shares = {"a": 0.0, "b": 1.0, "c": 0.0, "d": 0.0}
    lines = (line("a", "b", limit=limit_ab), line("b", "c"), line("c", "d"))
    return replace(
        grid,
        zone_shares={"z": 1.0},
        nodes=tuple(replace(n, share=shares[n.id]) for n in grid.nodes),
        lines=(*lines, line("a", "d", limit=limit_ad)),
    )


def judged(grid: Grid):
    return contingencies(grid, DcNetwork.of(grid))


def test_load_is_shared_as_the_topology_says_and_is_as_much_as_is_fed_in() -> None:
    grid = loaded()
    assert injection_of(grid, DcNetwork.of(grid)) == pytest.approx([100, -100, 0, 0])


def test_the_outage_of_the_short_way_overloads_the_long_one() -> None:
    found = judged(loaded(limit_ad=80.0))
    # Lines in the grid's order: a-b, a-d, b-c, c-d.
    assert found.base_mw == pytest.approx([75, 25, -25, -25])
    assert found.overloads == [Overload(outage=0, line=1, loading=pytest.approx(100 / 80))]
    assert found.touched.tolist() == [1, 0, 0, 1]


def test_a_line_that_is_over_its_limit_before_is_no_news() -> None:
    found = judged(loaded(limit_ab=70.0))
    assert found.overloads == []
    assert not found.touched.any()


def test_an_outage_that_parts_the_grid_is_not_judged() -> None:
    chain = Grid("chain", (node("a", 9), node("b"), node("c")), (line("a", "b"), line("b", "c")))
    found = judged(replace(chain, zone_shares={"z": 1.0}))
    assert found.parts.all()
    assert found.overloads == []


def test_germany_keeps_almost_all_of_its_limits_when_a_line_fails() -> None:
    found = judged(load_grid("germany"))
    assert (np.abs(found.base_mw) < found.limit_mw).all()
    assert 0 < len({overload.outage for overload in found.overloads}) < 10
