"""Courses compared over the same windows: all models of a run, or two runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gridstress.compare.course import Course, course_of
from gridstress.compare.measures import ModelMeasures, PairMeasures, measure_model, measure_pair
from gridstress.verify.recompute import Recomputed
from topology.errors import DataError
from topology.grid import Grid
from topology.messages import Floats
from ui.reports import comparison_name


@dataclass(frozen=True)
class Period:
    """A run's final windows: their ends in its own time, shape (windows,), epoch seconds."""

    run: str
    ends_s: Floats


@dataclass(frozen=True)
class Comparison:
    """Courses over the same windows: a run's models, or two runs.

    ``periods`` are the run's, or both runs'; ``step_s`` is the time from window to window. The
    first period is that of the figures' axes.
    """

    periods: Sequence[Period]
    grid: Grid
    step_s: int
    courses: dict[str, Course]
    models: dict[str, ModelMeasures]
    pairs: list[PairMeasures]

    @property
    def ends_s(self) -> Floats:
        """The windows' ends in the first run's time, shape (windows,), epoch seconds."""
        return self.periods[0].ends_s

    @property
    def name(self) -> str:
        """The run's name, or both."""
        run, *others = (period.run for period in self.periods)
        return comparison_name(run, others[0]) if others else run

    def title_of(self, name: str) -> str:
        """A course's title."""
        return self.courses[name].title

    def labels_of(self, pair: PairMeasures) -> tuple[str, str]:
        """The labels of both courses."""
        return self.courses[pair.first].label, self.courses[pair.second].label


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
    period = Period(run.run, np.asarray(run.ends_s[: run.closed]))
    courses = {model: (course_of(run, model), period) for model in run.models}
    pairs = combinations(courses, 2)
    return compare(courses, pairs, [period], run.grid, run.settings.step_s)


def compare(
    courses: dict[str, tuple[Course, Period]],
    pairs: Iterable[tuple[str, str]],
    periods: Sequence[Period],
    grid: Grid,
    step_s: int,
) -> Comparison:
    """Measure courses of as many windows, each with the period it is of, and pairs of them."""
    return Comparison(
        periods=periods,
        grid=grid,
        step_s=step_s,
        courses={name: course for name, (course, _) in courses.items()},
        models={
            name: measure_model(course, period.ends_s, step_s)
            for name, (course, period) in courses.items()
        },
        pairs=[measure_pair(courses[a][0], courses[b][0], grid, step_s) for a, b in pairs],
    )
