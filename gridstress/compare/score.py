"""Score a model's influence against DC power flow, beside two simpler baselines.

Asked of a source: which nodes does more load there concern most? The models answer with their
influence, DC power flow with the power that passes a node more (``DcNetwork.through_flow``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import dijkstra

from gridstress.compare.ranks import (
    TOP,
    Interval,
    bootstrap,
    kendall,
    overlap,
    separation,
    spearman,
)
from topology.grid import Grid
from topology.influence.adjacency import neighbours
from topology.messages import Floats
from topology.models import Matrix
from topology.physics.contingency import Contingencies, contingencies
from topology.physics.power_flow import DcNetwork, Indices, Slack

SOURCES = 1_000
"""Sources asked, drawn by a fixed seed, of a grid that has more."""
AT_ONCE = 100
OVERALL_DRAWS = 500
MEASURES = ("spearman", "kendall", *(f"top {k}" for k in TOP))
BASELINES = ("distance", "degree")
"""By nearness in lines alone, and by a node's number of neighbours alone."""

Predictor = Callable[[Indices], Floats]
"""What these sources have to do with each node, shape (sources, nodes); higher is more."""


@dataclass(frozen=True)
class Marks:
    """One predictor's marks by measure.

    Attributes
    ----------
    by_source
        A value a source, nan where a source gives none.
    means
        Their means over the sources.
    overall
        Of the ranking of the whole grid: what all load together concerns.
    """

    by_source: Mapping[str, Floats]
    means: Mapping[str, Interval]
    overall: Mapping[str, Interval]


@dataclass(frozen=True)
class Lead:
    """How far a model is ahead of the better baseline.

    The interval is that of the differences source by source: what lies below 0 with all of it is
    a model that is worse than its baseline.
    """

    over: str
    by: Interval


@dataclass(frozen=True)
class Outages:
    """N-1 on a grid, and how surely a ranking puts nodes it overloads before the others.

    ``parting`` outages part the grid and are not judged; ``idle`` says that no line carries
    anything beforehand; ``marks`` are areas under the ROC curve
    of each predictor's ranking of the whole grid, 0.5 is chance.
    """

    overloading: int
    parting: int
    touched: int
    idle: bool
    marks: Mapping[str, Interval]


@dataclass(frozen=True)
class Score:
    """A grid's marks by predictor: models first, then ``BASELINES``."""

    grid: str
    nodes: int
    lines: int
    sources: int
    slack: Slack
    marks: Mapping[str, Marks]
    outages: Outages
    leads: Mapping[str, Mapping[str, Lead]]
    """By model and measure."""


def score(
    grid: Grid, influence: Mapping[str, Matrix], slack: Slack = "infeed", seed: int = 0
) -> Score:
    """Compare each model's influence matrix, and the baselines, with the power flow of a grid.

    ``slack`` says who makes up for a rise of load (``DcNetwork``).

    Raises
    ------
    DataError
        If the grid has no lines.
    """
    network = DcNetwork.of(grid, slack)
    n = len(grid.nodes)
    rng = np.random.default_rng(seed)
    asked = np.sort(rng.choice(n, min(n, SOURCES), replace=False))
    predictors = {name: _rows_of(matrix) for name, matrix in influence.items()}
    predictors |= _baselines(grid)
    load = np.array([grid.zone_shares.get(node.zone, 0.0) * node.share for node in grid.nodes])
    found: dict[str, list[dict[str, Floats]]] = {name: [] for name in predictors}
    overall = {name: np.zeros(n) for name in predictors}
    concerned = np.zeros(n)
    for sources in _blocks(np.arange(n)):
        truth = network.through_flow(sources)
        itself = np.arange(len(sources)), sources
        truth[itself] = 0.0
        concerned += load[sources] @ truth
        picked = np.isin(sources, asked)
        others = _others(truth[picked], sources[picked])
        for name, predict in predictors.items():
            predicted = predict(sources)
            predicted[itself] = 0.0
            overall[name] += load[sources] @ predicted
            if picked.any():
                found[name].append(_marks(_others(predicted[picked], sources[picked]), others))
    # Nodes with replacement, the same for all, so that intervals differ by the rankings alone.
    drawn = np.random.default_rng(seed).integers(0, n, (OVERALL_DRAWS, n))
    marks = {
        name: _gathered(found[name], _overall(overall[name], concerned, drawn), seed)
        for name in predictors
    }
    return Score(
        *(grid.name, n, len(grid.lines), len(asked), slack),
        marks=marks,
        outages=_outages(contingencies(grid, network), overall, drawn),
        leads={
            model: {measure: _lead(marks, model, measure, seed) for measure in MEASURES}
            for model in influence
        },
    )


def _gathered(blocks: list[dict[str, Floats]], overall: Mapping[str, Interval], seed: int) -> Marks:
    by_source = {key: np.concatenate([block[key] for block in blocks]) for key in MEASURES}
    means = {key: bootstrap(values, seed) for key, values in by_source.items()}
    return Marks(by_source, means, overall)


def _lead(marks: Mapping[str, Marks], model: str, measure: str, seed: int) -> Lead:
    best = max(BASELINES, key=lambda name: marks[name].means[measure].mean)
    apart = marks[model].by_source[measure] - marks[best].by_source[measure]
    return Lead(best, bootstrap(apart, seed))


def _marks(predicted: Floats, truth: Floats) -> dict[str, Floats]:
    return {
        "spearman": spearman(predicted, truth),
        "kendall": kendall(predicted, truth),
        **{f"top {k}": overlap(predicted, truth, k) for k in TOP},
    }


def _overall(predicted: Floats, truth: Floats, drawn: Indices) -> dict[str, Interval]:
    """Marks of the whole grid's ranking; intervals from nodes ``drawn`` with replacement."""
    low, high = _limits(spearman(predicted[drawn], truth[drawn]))
    one, other = predicted[np.newaxis], truth[np.newaxis]
    ranked = Interval(float(spearman(one, other)[0]), low, high)
    tops = {f"top {k}": float(overlap(one, other, k)[0]) for k in TOP}
    return {"spearman": ranked, **{key: Interval(v, np.nan, np.nan) for key, v in tops.items()}}


def _outages(found: Contingencies, overall: Mapping[str, Floats], drawn: Indices) -> Outages:
    marked = found.touched > 0
    marks = {}
    for name, ranked in overall.items():
        area = separation(ranked[np.newaxis], marked[np.newaxis])[0]
        low, high = _limits(separation(ranked[drawn], marked[drawn]))
        marks[name] = Interval(float(area), low, high)
    return Outages(
        overloading=len({overload.outage for overload in found.overloads}),
        parting=int(found.parts.sum()),
        touched=int(marked.sum()),
        idle=found.idle,
        marks=marks,
    )


def _limits(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _others(rows: Floats, sources: Indices) -> Floats:
    """The rows without the sources themselves, one column narrower."""
    kept = np.ones(rows.shape, dtype=bool)
    kept[np.arange(len(sources)), sources] = False
    return rows[kept].reshape(len(sources), rows.shape[1] - 1)


def _blocks(nodes: Indices) -> Iterator[Indices]:
    for first in range(0, len(nodes), AT_ONCE):
        yield nodes[first : first + AT_ONCE]


def _rows_of(matrix: Matrix) -> Predictor:
    return lambda sources: matrix[sources].toarray()


def _baselines(grid: Grid) -> dict[str, Predictor]:
    adjacency = neighbours(grid)
    degree = np.diff(adjacency.indptr).astype(float)

    def distance(sources: Indices) -> Floats:
        hops = dijkstra(adjacency, unweighted=True, indices=sources)
        nearness: Floats = 1.0 / (1.0 + hops)
        return nearness

    return {
        "distance": distance,
        "degree": lambda sources: np.tile(degree, (len(sources), 1)),
    }
