"""Compare all models of a run, from its measurements to the numbers."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gridstress.compare.course import Course, course_of
from gridstress.compare.measures import ModelMeasures, PairMeasures, measure_model, measure_pair
from gridstress.verify.recompute import Recomputed
from topology.errors import DataError
from topology.messages import Floats


@dataclass(frozen=True)
class Comparison:
    """A run's models and each two of them; ``ends_s`` are the final windows' ends (windows,)."""

    run: Recomputed
    ends_s: Floats
    courses: dict[str, Course]
    models: dict[str, ModelMeasures]
    pairs: list[PairMeasures]


def compare_models(run: Recomputed) -> Comparison:
    """Compare all models of a recomputed run over its final windows.

    Raises
    ------
    DataError
        If no window is final yet.
    """
    if not run.closed:
        raise DataError(
            f"run {run.run!r} has no final window yet",
            hint="the watermark must have passed one step; a zone may not have begun",
        )
    step_s = run.settings.step_s
    ends_s = np.asarray(run.ends_s[: run.closed])
    courses = {model: course_of(run, model) for model in run.models}
    return Comparison(
        run=run,
        ends_s=ends_s,
        courses=courses,
        models={m: measure_model(course, ends_s, step_s) for m, course in courses.items()},
        pairs=[
            measure_pair(first, second, run.grid, step_s)
            for first, second in combinations(courses.values(), 2)
        ],
    )
