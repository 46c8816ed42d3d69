"""A run of three nodes, small enough to be worked out by hand.

`a` is stressed by 1 in the hours 1 and 2. Linear: b takes on 0.4 of it, c 0.112; centrality-based:
b 0.8, c 0.56. So with windows of two hours, at the ends of the hours 1, 2 and 3:

| risk | a | b | c |
|---|---|---|---|
| linear | 0.63 0.86 0.63 | 0.33 0.55 0.33 | 0.11 0.20 0.11 |
| centrality-based | 0.63 0.86 0.63 | 0.55 0.80 0.55 | 0.43 0.67 0.43 |
"""

import numpy as np
import pytest

from gridstress.compare.comparison import compare_models
from gridstress.compare.course import course_of
from gridstress.compare.measures import Lead, ZoneAgreement
from gridstress.verify.recompute import recompute
from tests.gridstress.verify.samples import GRID, HOUR, SETTINGS, end, frame, load
from topology.errors import DataError


def evening():
    """Hours 0 to 5."""
    north = [[load(1 if hour in (1, 2) else -1), load(-1)] for hour in range(6)]
    return [
        frame("North", 0, [0, 1, 2, 3, 4, 5], north),
        frame("South", 0, [0, 1, 2, 3, 4, 5], [[load(-1)]] * 6),
        end("North", 6, 6),
        end("South", 6, 6),
    ]


@pytest.fixture(scope="module")
def run():
    return recompute(evening(), GRID, SETTINGS)


@pytest.fixture(scope="module")
def comparison(run):
    return compare_models(run)


@pytest.fixture(scope="module")
def pair(comparison):
    (only,) = comparison.pairs
    return only


def test_a_level_holds_until_the_episode_ends(run):
    assert course_of(run, "linear").level.T.tolist() == [
        [0, 1, 2, 2, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    assert course_of(run, "centrality").level.T.tolist() == [
        [0, 1, 2, 2, 0, 0],
        [0, 1, 2, 2, 0, 0],
        [0, 0, 1, 1, 0, 0],
    ]


def test_each_models_alarms_are_counted(comparison):
    linear, centrality = comparison.models["linear"], comparison.models["centrality"]
    assert linear.episodes == {"WARNING": 1, "HIGH": 1, "CRITICAL": 0}
    assert centrality.episodes == {"WARNING": 1, "HIGH": 2, "CRITICAL": 0}
    assert (linear.nodes_alarmed, centrality.nodes_alarmed) == (2, 3)
    assert linear.node_hours == {"WARNING": 4, "HIGH": 2, "CRITICAL": 0}
    assert centrality.node_hours == {"WARNING": 8, "HIGH": 4, "CRITICAL": 0}
    assert linear.mean_episode_h == 2
    assert linear.first_alarm_s == centrality.first_alarm_s == 2 * HOUR


def test_alarms_in_common_are_counted_in_node_hours(pair):
    assert (pair.first, pair.second) == ("linear", "centrality")
    assert pair.jaccard == 0.5
    assert pair.jaccard_by_level == {"WARNING": 0.5, "HIGH": 0.5, "CRITICAL": None}
    assert (pair.only_first, pair.only_second) == ([], ["c"])
    assert pair.zones == [
        ZoneAgreement("North", 4, 6, 4, pytest.approx(2 / 3)),
        ZoneAgreement("South", 0, 2, 0, 0),
    ]


def test_the_lead_is_that_of_a_nodes_first_alarm(pair):
    assert pair.lead == Lead(
        nodes=2, earlier=0, same=1, later=1, median_h=-0.5, largest_h=0, smallest_h=-1
    )


def test_models_that_rank_alike_agree_in_order(pair):
    assert (pair.kendall, pair.spearman) == (pytest.approx(1), pytest.approx(1))
    assert pair.overlap == {5: 1, 10: 1, 20: 1}
    # Without any risk there is no order to agree in.
    for series in (pair.kendall_at, pair.spearman_at, pair.overlap_at):
        assert np.isnan(series).tolist() == [True, False, False, False, True, True]


def test_three_models_make_three_pairs():
    settings = SETTINGS.model_copy(update={"models": "linear,centrality,electrical"})
    found = compare_models(recompute(evening(), GRID, settings))
    assert [(p.first, p.second) for p in found.pairs] == [
        ("linear", "centrality"),
        ("linear", "electrical"),
        ("centrality", "electrical"),
    ]


def test_one_model_is_reported_alone():
    settings = SETTINGS.model_copy(update={"models": "linear"})
    found = compare_models(recompute(evening(), GRID, settings))
    assert list(found.models) == ["linear"]
    assert found.pairs == []


def test_a_quiet_run_has_no_alarms_to_share():
    quiet = [frame("North", 0, [0], [[load(0), load(0)]]), frame("South", 0, [0], [[load(0)]])]
    found = compare_models(
        recompute([*quiet, end("North", 1, 3), end("South", 1, 3)], GRID, SETTINGS)
    )
    assert found.pairs[0].jaccard is None
    assert found.pairs[0].lead.median_h is None
    assert found.models["linear"].first_alarm_s is None
    assert found.models["linear"].mean_episode_h is None


def test_a_run_without_a_final_window_is_refused():
    begun = [frame("North", 0, [0], [[load(1), load(0)]])]
    with pytest.raises(DataError, match="no final window"):
        compare_models(recompute(begun, GRID, SETTINGS))
