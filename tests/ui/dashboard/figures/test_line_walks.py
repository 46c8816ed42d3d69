from collections import Counter
from itertools import pairwise

import networkx as nx
import pytest

from topology.loaders import load_grid
from ui.dashboard.figures.line_walks import walks

GERMANY = [(line.source, line.target) for line in load_grid("germany").lines]


@pytest.mark.parametrize(
    "lines",
    [
        [("a", "b")],
        [("a", "b"), ("a", "b")],
        [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")],
        [("a", "b"), ("c", "d")],
        [("hub", str(end)) for end in range(5)],
        GERMANY,
    ],
    ids=["one", "parallel", "ring with a tail", "two parts", "star", "germany"],
)
def test_a_walk_a_connected_part_follows_every_line_and_nothing_else(lines):
    found = walks(lines)
    steps = Counter(frozenset(step) for walk in found for step in pairwise(walk))
    assert set(steps) == {frozenset(line) for line in lines}
    assert all(steps[frozenset(line)] <= 2 * lines.count(line) for line in set(lines))
    assert len(found) == nx.number_connected_components(nx.Graph(lines))


def test_a_walk_ends_with_its_last_new_line():
    assert walks([("a", "b")]) == [["a", "b"]]


def test_without_lines_there_is_no_walk():
    assert walks([]) == []
