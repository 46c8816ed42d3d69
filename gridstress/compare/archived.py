"""Two archived runs compared, as the workers published them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from itertools import product

import numpy as np

from gridstress.archive.history import summary
from gridstress.archive.past import VALUES_AT_ONCE
from gridstress.archive.reading import ArchivedRun
from gridstress.compare.comparison import Comparison, Period, compare
from gridstress.compare.course import Course, course
from gridstress.verify.episodes import Decision
from gridstress.verify.recompute import MAX_CELLS
from topology.alignment import shift_between
from topology.clock import HOUR_S, to_datetime
from topology.codec import decode
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.messages import Floats, RiskAlert
from topology.models import short_title_of, title_of
from ui.api.beside import span_of


@dataclass(frozen=True)
class _Side:
    """A run, the ends of the windows that are compared, in its own time, and which run it is."""

    run: ArchivedRun
    grid: Grid
    period: Period
    order: str

    def course(self, model: str) -> Course:
        """The model's course over those windows."""
        risk = self._risk(model)
        words = (
            name_of(model, self.run),
            f"{title_of(model)}, {self.run.name}",
            f"{short_title_of(model)}, {self.order}",
        )
        return course(words, risk, list(self._decisions(model)))

    def _risk(self, model: str) -> Floats:
        index, ends_s = self.grid.index, self.period.ends_s
        risk = np.zeros((len(ends_s), len(index)))
        places = {end_s: place for place, end_s in enumerate(ends_s.tolist())}
        span = timedelta(seconds=ends_s[-1] - ends_s[0] + 1)
        at_once = max(1, VALUES_AT_ONCE // len(index))
        until = to_datetime(ends_s[-1])
        for window in self.run.windows_until([model], until, span, at_once=at_once):
            place = places.get(window.window_end.timestamp())
            if place is not None:
                risk[place, [index[node] for node in window.nodes]] = window.risk
        return risk

    def _decisions(self, model: str) -> Iterator[Decision]:
        """Alarm steps at the first compared window that has them; without what was over before."""
        ends_s = self.period.ends_s
        steps = [
            decode(record.value, RiskAlert)
            for record in self.run.alerts(model, to_datetime(ends_s[-1]))
        ]
        over = {
            step.episode_id
            for step in steps
            if step.state == "CLEARED" and step.window_end.timestamp() <= ends_s[0]
        }
        raised_s: dict[str, float] = {}
        for step in sorted(steps, key=lambda step: step.timestamp):
            end_s = step.window_end.timestamp()
            if step.episode_id not in over:
                yield Decision(
                    window=int(np.searchsorted(ends_s, end_s)),
                    node=self.grid.index[step.node_id],
                    raised_s=raised_s.setdefault(step.episode_id, end_s),
                    state=step.state,
                    level=step.level,
                )


def compare_runs(
    first: ArchivedRun, second: ArchivedRun, grid: Grid, models: Sequence[str], step_s: int
) -> Comparison:
    """Compare two archived runs of the same nodes: each model with itself, window by window.

    Of ``models`` those that a run has count. Where the runs share none, each of the first is
    compared with each of the second. Times are set against each other as of `shift_between`, on
    a grid of ``step_s`` seconds.

    Raises
    ------
    DataError
        If they are of other nodes, or have no final window at the same time.
    UsageError
        If there are too many values.
    """
    check_nodes(first, second, grid)
    runs = first, second
    ends = [_final_ends(run, models) for run in runs]
    whole = [_common(run, list(known.values())) for run, known in zip(runs, ends, strict=True)]
    spans = [span_of(summary(run.folder)) for run in runs]
    shift_s = shift_between(spans[0], spans[1], step_s)
    common = np.intersect1d(whole[0], whole[1] + shift_s)
    if not len(common):
        raise DataError(
            f"runs {first.name!r} and {second.name!r} have no final window at the same time",
            hint=f"times of the second count as {shift_s / HOUR_S:g} h later",
        )
    if len(common) * len(grid.nodes) > MAX_CELLS:
        raise UsageError(f"{len(common):,} windows of {len(grid.nodes):,} nodes are too many")
    sides = [
        _Side(run, grid, Period(run.name, common - shift), order)
        for run, shift, order in zip(runs, (0, shift_s), ("first", "second"), strict=True)
    ]
    courses = {
        name_of(model, side.run): (side.course(model), side.period)
        for side, known in zip(sides, ends, strict=True)
        for model in known
    }
    shared = [(model, model) for model in ends[0] if model in ends[1]]
    pairs = [
        (name_of(one, first), name_of(other, second)) for one, other in shared or product(*ends)
    ]
    return compare(courses, pairs, [side.period for side in sides], grid, _step(common))


def check_nodes(first: ArchivedRun, second: ArchivedRun, grid: Grid) -> None:
    """Refuse two runs of different nodes, and a grid that lacks some.

    Raises
    ------
    DataError
        Which names some of them.
    """
    nodes = [run.nodes() for run in (first, second)]
    for alone, run in ((nodes[0] - nodes[1], first), (nodes[1] - nodes[0], second)):
        if alone:
            some = ", ".join(sorted(alone)[:3])
            raise DataError(
                f"runs {first.name!r} and {second.name!r} are of different nodes: "
                f"only {run.name!r} has {some}{', ...' if len(alone) > 3 else ''}",
                hint="compare runs of one grid",
            )
    if lacking := nodes[0] - set(grid.ids):
        raise DataError(
            f"{grid.name} has no node {min(lacking)!r}, which the runs have",
            hint="GRIDSTRESS_TOPOLOGY or --topology names the grid of both runs",
        )


def _final_ends(run: ArchivedRun, models: Sequence[str]) -> dict[str, Floats]:
    """Of each model that the run has, the ends of its final windows."""
    ends = {m: np.array([end_s for end_s, _, _ in run.extremes(m)]) for m in models}
    known = {model: found for model, found in ends.items() if len(found)}
    if not known:
        raise DataError(
            f"run {run.name!r} has no final window of {', '.join(models)}",
            hint="--models names others",
        )
    return known


def _common(run: ArchivedRun, ends: Sequence[Floats]) -> Floats:
    """Ends of the windows that are final under all models."""
    common = reduce(np.intersect1d, ends)
    if not len(common):
        raise DataError(f"run {run.name!r} has no window that is final under all its models")
    return common


def _step(ends_s: Floats) -> int:
    """Time from window to window, s."""
    return int(np.diff(ends_s).min()) if len(ends_s) > 1 else HOUR_S


def models_of(*runs: ArchivedRun) -> list[str]:
    """The models that the runs' records name, each once."""
    records = [run.record() for run in runs]
    return list(dict.fromkeys(model for record in records if record for model in record.models))


def name_of(model: str, run: ArchivedRun) -> str:
    """The name of a course."""
    return f"{model} of {run.name}"
