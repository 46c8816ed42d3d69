import numpy as np
import pytest
import scipy.sparse as sp

from gridstress.compare.score import BASELINES, score
from topology.influence.paths import linear_influence
from topology.loaders import load_grid
from topology.models import InfluenceParams
from topology.physics.power_flow import DcNetwork


@pytest.fixture(scope="module")
def germany():
    return load_grid("germany")


@pytest.fixture(scope="module")
def network(germany):
    return DcNetwork.of(germany)


@pytest.fixture(scope="module")
def scored(germany, network):
    nodes = np.arange(len(germany.nodes))
    truth = network.through_flow(nodes)
    return score(
        germany,
        {
            "truth": sp.csr_array(truth),
            "reverse": sp.csr_array(-truth),
            "linear": linear_influence(germany, InfluenceParams()),
        },
    )


def test_a_model_that_is_the_power_flow_has_full_marks(scored):
    marks = scored.marks["truth"]
    for measure in marks.by_source:
        assert marks.means[measure] == pytest.approx((1, 1, 1))
        assert marks.overall.get(measure, (1,))[0] == pytest.approx(1)


def test_its_reverse_has_the_worst(scored):
    marks = scored.marks["reverse"]
    assert marks.means["spearman"].mean == pytest.approx(-1)
    assert marks.means["top 10"].mean < 0.01


def test_the_baselines_know_distance_and_degree_alone(scored, germany, network):
    # Lubmin: its two neighbours are nearest, all at the same distance count alike.
    lubmin = germany.index["lubmin"]
    truth = network.through_flow(np.array([lubmin]))[0]
    truth[lubmin] = -1
    top = np.argsort(-truth)[:5]
    hops = _hops(germany, "lubmin")
    others = sorted(hops[i] for i in range(len(hops)) if i != lubmin)
    last = others[4]
    sure = sum(h < last for h in others)
    level = sum(h == last for h in others)
    expected = sum(
        1 if hops[i] < last else (5 - sure) / level if hops[i] == last else 0 for i in top
    )
    assert scored.marks["distance"].by_source["top 5"][lubmin] == pytest.approx(expected / 5)
    assert set(BASELINES) < set(scored.marks)


def _hops(grid, start):
    beside = {n: set() for n in grid.ids}
    for line in grid.lines:
        beside[line.source].add(line.target)
        beside[line.target].add(line.source)
    found, edge = {start: 0}, [start]
    for node in edge:
        for other in sorted(beside[node] - found.keys()):
            found[other] = found[node] + 1
            edge.append(other)
    return [found[n] for n in grid.ids]


def test_the_lead_is_over_the_better_baseline_source_by_source(scored):
    over, lead = scored.leads["truth"]["spearman"].over, scored.leads["truth"]["spearman"].by
    assert over == "distance"
    assert lead.mean == pytest.approx(1 - scored.marks["distance"].means["spearman"].mean)
    assert 0 < lead.low < lead.mean < lead.high


def test_what_the_score_says_of_germany(scored):
    """As docs/model-evaluation.md says: near by better than distance, over the whole grid worse."""
    leads = scored.leads["linear"]
    assert leads["spearman"].by.high < 0 < leads["top 10"].by.low


def test_of_a_large_grid_so_many_sources_are_asked(germany, monkeypatch):
    monkeypatch.setattr("gridstress.compare.score.SOURCES", 40)
    found = score(germany, {"linear": linear_influence(germany, InfluenceParams())})
    assert (found.nodes, found.sources) == (57, 40)
    assert len(found.marks["linear"].by_source["spearman"]) == 40
