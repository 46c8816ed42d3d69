"""One-at-a-time sensitivity of the results to the model parameters."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from multiprocessing import get_context
from typing import Any

from gridstress.compare.course import course_of
from gridstress.compare.measures import jaccard, mean, measure_model, overlaps
from gridstress.compare.ranks import TOP, spearman
from gridstress.verify.recompute import Recomputed, spread
from topology.models import InfluenceParams, influence_matrices

VALUES: dict[str, tuple[Any, ...]] = {
    "decay": (0.3, 0.5, 0.7, 0.9, 1.0),
    "alpha": (0.0, 0.3, 0.6, 1.2, 2.4),
    "max_hops": (1, 2, 3, 4, 5),
    "centrality": ("degree", "betweenness", "eigenvector"),
}
"""What each parameter is set to; the run's own value is added where it is missing."""


@dataclass(frozen=True)
class Variation:
    """A parameter and its value; ``own`` if it is the run's."""

    parameter: str
    value: Any
    own: bool


@dataclass(frozen=True)
class Outcome:
    """What a variation led to: by model, and by pair of models ("linear, centrality")."""

    variation: Variation
    episodes: dict[str, int]
    node_hours: dict[str, float]
    nodes_alarmed: dict[str, int]
    jaccard: dict[str, float | None]
    overlap: dict[str, float | None]
    spearman: dict[str, float | None]


def sweep(run: Recomputed, workers: int | None = None) -> list[Outcome]:
    """Work out a run under every variation, on ``workers`` processes (default: all cores)."""
    variations = list(_variations(run.settings.influence_params))
    count = min(workers or os.cpu_count() or 1, len(variations))
    # A fork would take over locks of threads that it does not take over, such as a notebook's.
    context = get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_begin, initargs=(run,)) as pool:
        return list(pool.map(_vary, variations))


def _variations(own: InfluenceParams) -> Iterator[Variation]:
    for name, values in VALUES.items():
        mine = getattr(own, name)
        for value in values if mine in values else sorted((*values, mine)):
            yield Variation(name, value, value == mine)


_run: Recomputed
"""The run, sent to each process once."""


def _begin(run: Recomputed) -> None:
    global _run
    _run = run


def _vary(variation: Variation) -> Outcome:
    run = _run
    ends_s = run.ends_s[: run.closed]
    params = replace(run.settings.influence_params, **{variation.parameter: variation.value})
    varied = replace(
        run,
        models={
            model: spread(model, matrix, run.own_stress, ends_s, run.settings)
            for model, matrix in influence_matrices(
                run.grid, run.settings.model_names, params
            ).items()
        },
    )
    courses = {model: course_of(varied, model) for model in varied.models}
    step_s = run.settings.step_s
    measured = {m: measure_model(c, run.ends_s, step_s) for m, c in courses.items()}
    pairs = {f"{a}, {b}": (courses[a], courses[b]) for a, b in combinations(courses, 2)}
    return Outcome(
        variation,
        episodes={m: sum(found.episodes.values()) for m, found in measured.items()},
        node_hours={m: found.node_hours["WARNING"] for m, found in measured.items()},
        nodes_alarmed={m: found.nodes_alarmed for m, found in measured.items()},
        jaccard={name: jaccard(a.alarmed, b.alarmed) for name, (a, b) in pairs.items()},
        overlap={name: mean(overlaps(a.risk, b.risk, TOP[1])) for name, (a, b) in pairs.items()},
        spearman={name: mean(spearman(a.risk, b.risk)) for name, (a, b) in pairs.items()},
    )
