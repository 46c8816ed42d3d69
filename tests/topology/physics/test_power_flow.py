from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from topology.errors import DataError
from topology.grid import Grid, Line, Node
from topology.loaders import load_grid
from topology.physics.power_flow import DcNetwork, infeed_of, limit_of, reactance_of

REFERENCE = Path(__file__).parents[2] / "data" / "case118_dc.npz"


def node(name: str, infeed: float = 0.0) -> Node:
    return Node(name, name, 0.0, 0.0, "z", 0.25, 100.0, 0.8, generation_mw=infeed)


def line(source: str, target: str, ohm: float | None = 10.0, limit: float | None = None) -> Line:
    return Line(source, target, 10.0, 100.0, 0.5, reactance_ohm=ohm, limit_mw=limit)


def square(**infeed: float) -> Grid:
    """a-b, b-c, c-d, d-a, all alike; fed by whom ``infeed`` names."""
    nodes = tuple(node(name, infeed.get(name, 0.0)) for name in "abcd")
    return Grid("square", nodes, (line("a", "b"), line("b", "c"), line("c", "d"), line("a", "d")))


def test_power_divides_over_the_ways_round_a_square_by_their_reactance() -> None:
    network = DcNetwork.of(square(a=100))
    # b takes 1 MW that a feeds in: 3/4 come over the line between them, 1/4 the long way round.
    rises = network.load_rises(np.array([1]))[:, 0]
    by_line = dict(zip([(e.source, e.target) for e in square().lines], rises, strict=True))
    assert by_line == pytest.approx(
        {("a", "b"): 0.75, ("a", "d"): 0.25, ("b", "c"): -0.25, ("c", "d"): -0.25}
    )
    assert network.through_flow(np.array([1]))[0] == pytest.approx([0.5, 0.5, 0.25, 0.25])


def test_an_outage_sends_a_lines_flow_the_other_way_round() -> None:
    network = DcNetwork.of(square(a=100))
    # Without a-b all goes by d and c; the line itself loses what it had.
    assert network.outages(np.array([0]))[:, 0] == pytest.approx([-1, 1, -1, -1])


def test_an_outage_that_parts_the_grid_moves_nothing() -> None:
    chain = Grid("chain", (node("a", 1), node("b"), node("c")), (line("a", "b"), line("b", "c")))
    assert np.isnan(DcNetwork.of(chain).outages(np.array([0, 1]))).all()


def test_transfer_and_outage_factors_of_ieee_118_are_pandapowers() -> None:
    """Made by pandapower with ``tests/topology/physics/dc_reference.py``."""
    reference = np.load(REFERENCE)
    names = [f"{i:03d}" for i in range(118)]
    base = float(reference["base_mva"])
    ends = zip(reference["source"], reference["target"], reference["x_pu"], strict=True)
    lines = [
        Line(names[s], names[t], 1.0, 1.0, 0.5, reactance_ohm=float(x) / base) for s, t, x in ends
    ]
    only = int(reference["slack"])
    grid = Grid(
        "ieee118", tuple(node(name, float(i == only)) for i, name in enumerate(names)), tuple(lines)
    )
    # A grid sorts its lines; parallel ones keep their order.
    order = sorted(range(len(lines)), key=lambda i: (lines[i].source, lines[i].target))
    network = DcNetwork.of(grid)
    np.testing.assert_allclose(
        -network.load_rises(np.arange(len(network.slack))), reference["ptdf"][order], atol=1e-6
    )
    theirs = reference["lodf"][np.ix_(order, order)]
    ours = network.outages(np.arange(len(lines)))
    parting = np.isnan(ours).any(axis=0)
    assert parting.sum() == 9  # the buses that hang on one line; pandapower divides by 0 there
    np.testing.assert_allclose(ours[:, ~parting], theirs[:, ~parting], atol=1e-5)


def test_each_island_makes_up_for_its_own_load() -> None:
    nodes = (node("a", 50), node("b"), node("c"), node("d"))
    grid = Grid("two", nodes, (line("a", "b"), line("c", "d")))
    network = DcNetwork.of(grid)
    assert network.load_rises(np.array([1]))[:, 0] == pytest.approx([1, 0])
    # c and d have no infeed: they share by rating.
    assert network.load_rises(np.array([3]))[:, 0] == pytest.approx([0, 0.5])
    assert network.slack == pytest.approx([1, 0, 0.5, 0.5])


def test_an_hvdc_link_carries_nothing_and_joins_no_islands() -> None:
    nodes = (node("a", 50), node("b"), node("c", 70), node("d"))
    link = replace(line("b", "c"), dc=True)
    network = DcNetwork.of(Grid("two", nodes, (line("a", "b"), line("c", "d"), link)))
    assert network.load_rises(np.array([1]))[:, 0] == pytest.approx([1, 0, 0])
    assert network.island[0] == network.island[1] != network.island[2]
    assert network.outages(np.array([1]))[:, 0] == pytest.approx([0, -1, 0])  # the link's


def test_a_node_without_load_makes_up_for_nothing() -> None:
    nodes = (*square(a=100).nodes[:3], replace(square().nodes[3], rating_mw=np.inf))
    grid = replace(square(a=100), nodes=nodes)
    assert DcNetwork.of(grid, slack="rating").slack == pytest.approx([1 / 3] * 3 + [0])


def test_slack_may_be_shared_by_rating() -> None:
    assert DcNetwork.of(square(a=100), slack="rating").slack == pytest.approx([0.25] * 4)


def test_what_a_topology_leaves_out_follows_the_stated_rules() -> None:
    long = replace(line("a", "b", ohm=None), length_km=40.0)
    assert reactance_of(long) == pytest.approx(12.0)
    assert reactance_of(line("a", "b", ohm=-3.0)) == -3.0
    assert limit_of(replace(long, voltage_kv=380.0)) == pytest.approx(3422.5, abs=0.1)
    assert limit_of(replace(long, voltage_kv=220.0)) == pytest.approx(990.7, abs=0.1)
    assert limit_of(line("a", "b", limit=70.0)) == 70.0
    germany = load_grid("germany")
    infeed = infeed_of(germany)
    assert infeed.sum() == pytest.approx(0.85 * germany.ratings_mw.sum())
    assert (infeed > 0).all()


def test_a_grid_without_lines_has_no_flow() -> None:
    with pytest.raises(DataError, match="no lines"):
        DcNetwork.of(Grid("alone", (node("a"),), ()))
