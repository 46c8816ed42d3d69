import numpy as np
import pytest

from gridstress.compare.ranks import bootstrap, kendall, overlap, separation, spearman


def rows(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 6, (4, 12)).astype(float)


def test_correlations_are_scipys_row_by_row() -> None:
    one, other = rows(1), rows(2)
    from scipy.stats import kendalltau, spearmanr

    for ours, theirs in ((spearman, spearmanr), (kendall, kendalltau)):
        expected = [theirs(a, b).statistic for a, b in zip(one, other, strict=True)]
        assert ours(one, other) == pytest.approx(expected)


def test_a_row_that_says_the_same_of_all_has_no_order() -> None:
    flat, other = np.ones((1, 5)), np.arange(5.0)[np.newaxis]
    assert np.isnan(spearman(flat, other)).all()
    assert np.isnan(kendall(flat, other)).all()
    alone = np.ones((2, 1))
    assert np.isnan(spearman(alone, alone)).all()
    assert np.isnan(kendall(alone, alone)).all()


def test_the_overlap_counts_what_is_in_both_tops() -> None:
    truth = np.array([[9.0, 8, 7, 0, 0, 0]])
    assert overlap(np.array([[3.0, 0, 2, 1, 0, 0]]), truth, 3) == pytest.approx(2 / 3)
    assert overlap(truth, truth, 3) == 1


def test_equal_heights_count_as_often_as_chance_would_choose_them() -> None:
    truth = np.array([[9.0, 8, 7, 6, 0, 0]])
    # All ranks are equal: 2 of 6 places, so each of the true two is chosen in a third of cases.
    assert overlap(np.zeros((1, 6)), truth, 2) == pytest.approx(1 / 3)
    # One is sure; the other place is drawn from five.
    assert overlap(np.array([[1.0, 0, 0, 0, 0, 0]]), truth, 2) == pytest.approx((1 + 1 / 5) / 2)


def test_of_fewer_nodes_than_places_all_are_chosen() -> None:
    assert overlap(np.array([[1.0, 0]]), np.array([[0.0, 1]]), 5) == 1


def test_an_interval_holds_the_mean_and_narrows_with_more_values() -> None:
    few = bootstrap(np.random.default_rng(0).normal(size=20))
    many = bootstrap(np.random.default_rng(0).normal(size=2000))
    for interval in (few, many):
        assert interval.low < interval.mean < interval.high
    assert many.high - many.low < (few.high - few.low) / 5
    # The textbook's: 1.96 standard deviations of the mean on either side.
    assert many.high - many.low == pytest.approx(2 * 1.96 / np.sqrt(2000), rel=0.15)


def test_values_that_are_missing_are_left_out() -> None:
    assert bootstrap(np.array([1.0, np.nan, 1.0])) == (1.0, 1.0, 1.0)
    assert np.isnan(bootstrap(np.array([np.nan]))).all()


def test_separation_is_the_part_of_pairs_in_which_the_marked_is_higher() -> None:
    ranked = np.array([[1.0, 2, 3, 4], [1.0, 1, 1, 1]])
    marked = np.array([[False, True, False, True]] * 2)
    # 2 beats 1 alone; 4 beats 1 and 3. What is level counts as half.
    assert separation(ranked, marked) == pytest.approx([3 / 4, 1 / 2])
    assert np.isnan(separation(ranked, np.zeros_like(marked))).all()
