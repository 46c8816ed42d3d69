import networkx as nx
import numpy as np
import pytest

from tests.support.speed import cpu_under
from tests.topology.samples import small_grid
from topology.loaders.layout import BOX_DEG, SPRING_NODES, fill_positions, layout


def _grid_graph(side: int) -> tuple[list[str], list[tuple[str, str]]]:
    graph = nx.grid_2d_graph(side, side)
    name = {cell: f"{cell[0]:03}-{cell[1]:03}" for cell in graph}
    return sorted(name.values()), [(name[u], name[v]) for u, v in graph.edges]


def _neighbours_are_near(ids: list[str], edges: list[tuple[str, str]]) -> bool:
    places = layout(ids, edges)
    index = {node_id: i for i, node_id in enumerate(ids)}
    a, b = (places[[index[edge[k]] for edge in edges]] for k in (0, 1))
    line_length = np.linalg.norm(a - b, axis=1).mean()
    anywhere = np.linalg.norm(places - places[::-1], axis=1).mean()
    return bool(line_length < anywhere / 3)


def test_a_small_grid_is_laid_out_with_neighbours_near() -> None:
    assert _neighbours_are_near(*_grid_graph(7))


def test_a_large_grid_is_laid_out_with_neighbours_near() -> None:
    ids, edges = _grid_graph(40)
    assert len(ids) > SPRING_NODES
    assert _neighbours_are_near(ids, edges)


def test_the_same_grid_gets_the_same_picture_whatever_the_order_of_its_lines() -> None:
    for side in (6, 25):
        ids, edges = _grid_graph(side)
        np.testing.assert_array_equal(
            layout(ids, edges), layout(ids, [(b, a) for a, b in reversed(edges)])
        )


def test_positions_fill_the_box_and_stay_in_it() -> None:
    for side in (3, 25):
        places = layout(*_grid_graph(side))
        assert np.abs(places).max() == BOX_DEG / 2


def test_nodes_of_a_large_grid_do_not_hide_each_other() -> None:
    star = [("hub", f"n{i:03}") for i in range(600)]
    places = layout(["hub", *(n for _, n in star)], star)
    assert len(np.unique(places, axis=0)) > 590


def test_islands_and_single_nodes_get_finite_positions() -> None:
    for n in (1, 2, 700):
        ids = [f"n{i:03}" for i in range(n)]
        assert np.isfinite(layout(ids, [])).all()
        assert np.isfinite(layout(ids, list(zip(ids[::2], ids[1::2], strict=False)))).all()


@pytest.mark.explore
def test_nine_thousand_nodes_take_less_than_ten_seconds() -> None:
    ids, edges = _grid_graph(96)
    with cpu_under(10):
        found = layout(ids, edges)
    assert np.isfinite(found).all()


def test_positions_that_are_given_stay() -> None:
    raw = small_grid()
    fill_positions(raw)
    assert {(n.lat, n.lon) for n in raw.nodes} == {(50.0, 9.0)}


def test_a_missing_position_is_the_middle_of_its_neighbours() -> None:
    raw = small_grid()
    raw.nodes[2].lat, raw.nodes[2].lon = 54.0, 11.0
    raw.nodes[1].lat = raw.nodes[1].lon = None
    raw.nodes[3].lon = None
    fill_positions(raw)
    assert (raw.nodes[1].lat, raw.nodes[1].lon) == (52.0, 10.0)
    assert (raw.nodes[3].lat, raw.nodes[3].lon) == (54.0, 11.0)


def test_an_island_without_positions_comes_to_the_middle_of_the_rest() -> None:
    raw = small_grid()
    raw.lines.clear()
    raw.nodes[0].lat = None
    fill_positions(raw)
    assert (raw.nodes[0].lat, raw.nodes[0].lon) == (50.0, 9.0)
