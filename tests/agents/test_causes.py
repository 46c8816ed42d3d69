"""The sources behind stress, for many nodes at once, are those found one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from agents.causes import Causes
from tables.pane import Pane
from tables.risk_table import Window
from topology.grid import Grid, Node
from topology.ranking import top_sources

GRID = Grid(
    "three",
    nodes=tuple(Node(n, n, 50.0, 8.0, "z", 1 / 3, 100.0, 1.0) for n in "abc"),
    lines=(),
    zone_shares={"z": 1.0},
)

weights = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=9, max_size=9)
loads = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=3, max_size=3)


@given(weights, st.lists(st.tuples(loads, st.lists(st.integers(0, 2), max_size=6)), min_size=1))
def test_nodes_of_many_windows_have_the_sources_that_each_has_alone(
    matrix: list[float], windows: list[tuple[list[float], list[int]]]
) -> None:
    influence = np.array(matrix).reshape(3, 3)
    found = Causes(GRID, csr_array(influence)).of(
        [Window(0, [Pane(np.array(own), width=3)]) for own, _ in windows],
        [np.array(nodes, dtype=int) for _, nodes in windows],
    )
    alone = [
        top_sources(influence[:, node] * own, GRID.ids) for own, nodes in windows for node in nodes
    ]
    assert [[s.node_id for s in one] for one in found] == [[s.node_id for s in a] for a in alone]
    for one, other in zip(found, alone, strict=True):
        assert [s.share for s in one] == pytest.approx([s.share for s in other])
