from itertools import pairwise

import msgspec
import pytest

from tests.ui import literal_api
from ui.dashboard.figures.map import map_figure, trace_positions
from ui.dashboard.figures.map_nodes import (
    FOREMOST,
    LETTER_PX,
    foremost,
    letter_values,
    node_size,
    node_values,
    size_scale,
)
from ui.schema.grid import GridInfo
from ui.schema.views import GridState

LARGE = 3 * FOREMOST


def grid_of(count):
    """A grid of ``count`` nodes in a row, named by their number."""
    node = literal_api.GRID["nodes"][0]
    nodes = [node | {"id": f"n{i}", "name": f"N{i}", "lon": i / count} for i in range(count)]
    return msgspec.convert(literal_api.GRID | {"nodes": nodes, "lines": []}, GridInfo)


def state_of(grid, risks, alarmed=()):
    """A state of these risks; the other nodes are at rest."""
    ids = [node.id for node in grid.nodes]
    changes = {
        "nodes": ids,
        "risk": [risks.get(node, 0.0) for node in ids],
        "stress": [0.0] * len(ids),
        "level": ["HIGH" if node in alarmed else "" for node in ids],
    }
    return msgspec.convert(literal_api.state("linear") | changes, GridState)


def drawn(grid, state):
    return foremost(node_values(grid, state))


def test_the_node_with_the_highest_risk_is_drawn_last_and_equal_ones_keep_their_order():
    grid = grid_of(5)
    nodes = drawn(grid, state_of(grid, {"n0": 0.9, "n2": 0.3, "n3": 0.3}))
    assert nodes["id"] == ["n1", "n4", "n2", "n3", "n0"]
    assert nodes["risk"] == [0.0, 0.0, 0.3, 0.3, 0.9]
    assert nodes["x"] == [0.2, 0.8, 0.4, 0.6, 0.0]
    assert nodes["name"][-1] == "<b>N0</b> · TenneT"


def test_letters_are_drawn_in_order_of_risk_too():
    grid = grid_of(3)
    nodes = drawn(grid, state_of(grid, {"n0": 0.9, "n1": 0.6}, {"n0", "n1"}))
    assert letter_values(nodes)["x"] == pytest.approx([1 / 3, 0.0])


def test_of_a_large_grid_all_alarms_and_the_highest_risks_are_always_drawn():
    grid = grid_of(LARGE)
    stressed = {f"n{i}": 0.1 + i / LARGE / 2 for i in range(0, LARGE, 2)}
    nodes = drawn(grid, state_of(grid, stressed, {"n0", "n1"}))
    assert len(nodes["id"]) == FOREMOST
    assert {"n0", "n1"} < set(nodes["id"])
    assert nodes["risk"] == sorted(nodes["risk"])
    assert nodes["risk"][2] > max(stressed[node] for node in set(stressed) - set(nodes["id"]))
    assert letter_values(nodes)["letter"] == ["H", "H"]


def test_the_others_of_a_large_grid_lie_below_and_are_thinned_out():
    grid = grid_of(LARGE)
    figure = map_figure(grid, state_of(grid, {"n7": 0.5}))
    where = trace_positions(grid)
    others, nodes = figure.data[where["others"]], figure.data[where["nodes"]]
    assert (others.name, others.marker.maxdisplayed) == ("others", FOREMOST)
    assert list(others.customdata) == [node.id for node in grid.nodes]
    assert where["others"] < where["nodes"]
    assert nodes.customdata[-1] == "n7"
    assert (others.marker.showscale, nodes.marker.showscale) == (False, None)


def test_a_riskier_node_is_larger_and_an_alarms_letter_always_fits():
    assert node_size(0.0) < node_size(0.3) < node_size(1.0)
    assert node_size(0.0, alarmed=True) == LETTER_PX


@pytest.mark.parametrize("risk", [0.0, 0.5, 1.0])
def test_circles_are_smaller_the_more_nodes_share_the_map(risk):
    sizes = [node_size(risk, size_scale(count)) for count in (57, 585, 2000, 9241)]
    assert sizes[0] == node_size(risk) == node_size(risk, size_scale(3))
    assert all(many <= 0.8 * few for few, many in pairwise(sizes))
    assert sizes[-1] >= 2


def test_a_letter_stays_readable_in_a_large_grid():
    assert node_size(0.0, size_scale(9241), alarmed=True) >= 12
