import numpy as np

from topology.grid import Grid, Line, Node


def _node(node_id: str, zone: str = "z", rating_mw: float = 1.0) -> Node:
    return Node(node_id, node_id, 0.0, 0.0, zone, 0.5, rating_mw, 1.0)


GRID = Grid(
    name="g",
    nodes=(_node("c", "south", 3.0), _node("a", "north", 1.0), _node("b", "south", 2.0)),
    lines=(Line("c", "a", 1.0, 380.0, 0.5), Line("a", "b", 1.0, 380.0, 0.5)),
)


def test_nodes_and_lines_are_sorted_however_they_were_given() -> None:
    assert GRID.ids == ("a", "b", "c")
    assert [(e.source, e.target) for e in GRID.lines] == [("a", "b"), ("c", "a")]


def test_index_and_ratings_follow_the_order_of_the_nodes() -> None:
    assert GRID.index == {"a": 0, "b": 1, "c": 2}
    np.testing.assert_array_equal(GRID.ratings_mw, [1.0, 2.0, 3.0])


def test_zones_are_sorted_and_know_their_nodes() -> None:
    assert GRID.zones == ("north", "south")
    assert [n.id for n in GRID.nodes_of("south")] == ["b", "c"]
    assert GRID.nodes_of("nowhere") == ()
