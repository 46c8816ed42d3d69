import numpy as np
import pytest

from bench.peers.equality import compare
from topology.messages import Floats

NODES = ["a", "b"]
ENDS_S = np.array([3600.0, 7200.0])
STRESS = np.array([[0.0, 1.5], [2.5, 0.0]])


def models(stress: Floats) -> dict[str, Floats]:
    return {"linear": stress, "centrality": STRESS}


def test_windows_with_the_same_stress_are_equal():
    verdict = compare(models(STRESS), models(STRESS.copy()), NODES, ENDS_S)
    assert verdict.equal
    assert (verdict.compared, verdict.stressed, verdict.first) == (8, 4, "")


def test_another_order_of_adding_is_not_a_difference():
    assert compare(models(STRESS), models(STRESS * (1 + 5e-10)), NODES, ENDS_S).equal


def test_a_difference_is_reported_with_model_node_and_window():
    off = STRESS.copy()
    off[1, 0] *= 1 + 2e-9
    verdict = compare(models(STRESS), models(off), NODES, ENDS_S)
    assert not verdict.equal
    assert verdict.different == 1
    assert verdict.first.startswith("linear: a in the window that ends at 1970-01-01T02:00:00Z")


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_what_is_lost_or_no_number_is_a_difference(value: float):
    off = STRESS.copy()
    off[0, 1] = value
    assert compare(models(STRESS), models(off), NODES, ENDS_S).different == 1


def test_stress_where_none_should_be_is_a_difference():
    off = STRESS.copy()
    off[0, 0] = 1e-300
    assert compare(models(STRESS), models(off), NODES, ENDS_S).different == 1


def test_nothing_is_not_equal_to_nothing():
    empty = np.zeros((0, 2))
    assert not compare({"linear": empty}, {"linear": empty}, NODES, np.zeros(0)).equal


def test_windows_without_any_stress_show_nothing():
    calm = {"linear": np.zeros((2, 2))}
    verdict = compare(calm, calm, NODES, ENDS_S)
    assert (verdict.compared, verdict.different, verdict.equal) == (4, 0, False)


def test_other_models_or_shapes_cannot_be_compared():
    with pytest.raises(ValueError, match="models"):
        compare(models(STRESS), {"linear": STRESS}, NODES, ENDS_S)
    with pytest.raises(ValueError, match="shape"):
        compare(models(STRESS), models(STRESS[:1]), NODES, ENDS_S)
