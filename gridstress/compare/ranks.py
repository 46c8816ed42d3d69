"""Rank correlation and overlap of two rankings by row, and confidence of a mean."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from topology.messages import Floats

Flags = np.ndarray[Any, np.dtype[np.bool_]]

TOP = (5, 10, 20)
"""How many of the highest are looked at, wherever tops are compared."""
DRAWS = 2_000


class Interval(NamedTuple):
    """A mean with its 95 % interval; all nan where nothing could be averaged."""

    mean: float
    low: float
    high: float


def spearman(one: Floats, other: Floats) -> Floats:
    """Spearman's rank correlation of each row with its like, shape (rows,).

    Equal values share their mean rank; nan where a row says the same of everything.
    """
    ranks = [_ranks(values) for values in (one, other)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    quotient: Floats = np.divide(
        (a * b).sum(axis=1), size, out=np.full(len(a), np.nan), where=size > 0
    )
    return quotient


def kendall(one: Floats, other: Floats) -> Floats:
    """Kendall's tau-b of each row with its like, shape (rows,); nan as for ``spearman``."""
    if one.shape[1] < 2:
        return np.full(len(one), np.nan)
    from scipy.stats import kendalltau  # 40 MB that nothing else needs

    pairs = zip(one, other, strict=True)
    return np.array([kendalltau(a, b).statistic for a, b in pairs])


def overlap(predicted: Floats, truth: Floats, k: int) -> Floats:
    """Part of the truth's top ``k`` that is in the prediction's, shape (rows,), in [0, 1].

    What is equally high in a prediction is taken in every order: of 20 nodes at the same height
    for 5 places each counts a quarter. Equal values of the truth go by position. With fewer than
    ``k`` columns all of them are the top.
    """
    k = min(k, truth.shape[1])
    top = np.argsort(-truth, axis=1, kind="stable")[:, :k]
    last = -np.partition(-predicted, k - 1, axis=1)[:, k - 1 : k]
    above, level = predicted > last, predicted == last
    places = (k - above.sum(axis=1, keepdims=True)) / level.sum(axis=1, keepdims=True)
    chosen: Floats = np.take_along_axis(above + level * places, top, axis=1).mean(axis=1)
    return chosen


def separation(ranked: Floats, marked: Flags) -> Floats:
    """How surely a marked column is ranked above an unmarked one, by row, in [0, 1].

    The area under the ROC curve: 0.5 is chance. ``marked`` has the shape of ``ranked``; nan where
    all or none of a row is marked.
    """
    ranks = _ranks(ranked)
    hits = marked.sum(axis=1)
    pairs = hits * (marked.shape[1] - hits)
    above = (ranks * marked).sum(axis=1) - hits * (hits + 1) / 2
    area: Floats = np.divide(above, pairs, out=np.full(len(ranked), np.nan), where=pairs > 0)
    return area


def bootstrap(values: Floats, seed: int = 0) -> Interval:
    """Mean with the 95 % interval of 2,000 draws with replacement (percentiles; Efron 1979).

    Values that are nan are left out.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    means = [known[rng.integers(0, len(known), len(known))].mean() for _ in range(DRAWS)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(known.mean()), float(low), float(high))


def _ranks(values: Floats) -> Floats:
    """Ranks of each row from 1, shape as ``values``; equal values share their mean rank."""
    return pd.DataFrame(values).rank(axis=1).to_numpy()
