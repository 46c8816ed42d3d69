import pytest

from gridstress.compare.comparison import compare_models
from gridstress.compare.sweep import VALUES, sweep
from gridstress.verify.recompute import recompute
from tests.gridstress.compare.test_comparison import evening
from tests.gridstress.verify.samples import GRID, SETTINGS


@pytest.fixture(scope="module")
def run():
    return recompute(evening(), GRID, SETTINGS)


@pytest.fixture(scope="module")
def swept(run):
    return {(o.variation.parameter, o.variation.value): o for o in sweep(run, workers=2)}


def test_every_value_of_every_parameter_is_tried(swept):
    assert set(swept) == {(name, value) for name, values in VALUES.items() for value in values}


def test_the_runs_own_values_give_its_own_numbers(run, swept):
    found = compare_models(run)
    own = [outcome for outcome in swept.values() if outcome.variation.own]
    assert {outcome.variation.parameter for outcome in own} == set(VALUES)
    for outcome in own:
        assert outcome.jaccard == {"linear, centrality": found.pairs[0].jaccard}
        assert outcome.node_hours == {
            name: measures.node_hours["WARNING"] for name, measures in found.models.items()
        }


def test_a_parameter_does_what_it_should(swept):
    # Without the second hop c is not reached, and alpha 0 takes the centrality away.
    assert swept["max_hops", 1].nodes_alarmed == {"linear": 2, "centrality": 2}
    assert swept["max_hops", 2].nodes_alarmed == {"linear": 2, "centrality": 3}
    # b takes on 0.5 instead of 0.8: 0.39, 0.63, 0.39; c 0.28.
    assert swept["alpha", 0.0].node_hours == {"linear": 4, "centrality": 4}


def test_a_value_of_the_runs_own_is_added():
    settings = SETTINGS.model_copy(update={"decay": 0.65})
    found = sweep(recompute(evening(), GRID, settings), workers=1)
    decays = [o.variation for o in found if o.variation.parameter == "decay"]
    assert [v.value for v in decays] == [0.3, 0.5, 0.65, 0.7, 0.9, 1.0]
    assert [v.value for v in decays if v.own] == [0.65]
