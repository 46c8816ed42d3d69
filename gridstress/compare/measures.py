"""Measures of the differences between courses: of each one, and of each two."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gridstress.compare.course import Course
from gridstress.compare.ranks import TOP, spearman
from gridstress.verify.episodes import LEVELS
from topology.agreement import rank_correlation, top_overlap
from topology.clock import HOUR_S
from topology.grid import Grid
from topology.messages import Floats


@dataclass(frozen=True)
class ModelMeasures:
    """One model over a run.

    ``model`` is the course's name, ``episodes`` counts alarm episodes by the highest level reached,
    ``node_hours`` the hours that nodes were in alarm at each level or above; ``first_alarm_s`` is
    the end of the first window with an alarm, epoch seconds, None if there was none.
    """

    model: str
    episodes: dict[str, int]
    nodes_alarmed: int
    node_hours: dict[str, float]
    mean_episode_h: float | None
    first_alarm_s: float | None


@dataclass(frozen=True)
class Lead:
    """How much earlier the first model alarms a node for the first time than the second, hours.

    Of the nodes that both alarm; negative is later.
    """

    nodes: int
    earlier: int
    same: int
    later: int
    median_h: float | None
    largest_h: float | None
    smallest_h: float | None


@dataclass(frozen=True)
class ZoneAgreement:
    """Hours in alarm of a zone's nodes: of the first model, the second, and both at once."""

    zone: str
    first_h: float
    second_h: float
    both_h: float
    jaccard: float | None


@dataclass(frozen=True)
class PairMeasures:
    """Two models over a run, or two runs under a model.

    Attributes
    ----------
    first, second
        Names of their courses.
    jaccard
        Node-hours in alarm of both over those of either; None without any.
    jaccard_by_level
        The same, of alarms at each level or above.
    only_first, only_second
        Nodes that just one of them alarms.
    overlap
        Mean Jaccard index of the top K by risk, by K, over windows with any risk.
    kendall, spearman
        Means over the windows in which both tell nodes apart.
    overlap_at, kendall_at, spearman_at
        The same by window, nan where there is nothing to compare; overlap of the top 10.
    """

    first: str
    second: str
    jaccard: float | None
    jaccard_by_level: dict[str, float | None]
    only_first: list[str]
    only_second: list[str]
    overlap: dict[int, float | None]
    kendall: float | None
    spearman: float | None
    lead: Lead
    zones: list[ZoneAgreement]
    overlap_at: Floats
    kendall_at: Floats
    spearman_at: Floats


def measure_model(course: Course, ends_s: Floats, step_s: int) -> ModelMeasures:
    """Measure one model; ``ends_s`` are its window ends in epoch seconds, shape (windows,)."""
    hours = step_s / HOUR_S
    node_hours = {level: float((course.level > i).sum()) * hours for i, level in enumerate(LEVELS)}
    episodes = sum(course.episodes.values())
    (alarms,) = np.nonzero(course.alarmed.any(axis=1))
    return ModelMeasures(
        model=course.name,
        episodes=course.episodes,
        nodes_alarmed=int(course.alarmed.any(axis=0).sum()),
        node_hours=node_hours,
        mean_episode_h=node_hours[LEVELS[0]] / episodes if episodes else None,
        first_alarm_s=float(ends_s[alarms[0]]) if len(alarms) else None,
    )


def measure_pair(first: Course, second: Course, grid: Grid, step_s: int) -> PairMeasures:
    """Measure how far two models agree."""
    ever = first.alarmed.any(axis=0), second.alarmed.any(axis=0)
    tops = {k: overlaps(first.risk, second.risk, k) for k in TOP}
    kendall = _each(rank_correlation, first.risk, second.risk)
    order = spearman(first.risk, second.risk)
    return PairMeasures(
        first=first.name,
        second=second.name,
        jaccard=jaccard(first.alarmed, second.alarmed),
        jaccard_by_level={
            level: jaccard(first.level > i, second.level > i) for i, level in enumerate(LEVELS)
        },
        only_first=[grid.ids[i] for i in np.flatnonzero(ever[0] & ~ever[1])],
        only_second=[grid.ids[i] for i in np.flatnonzero(ever[1] & ~ever[0])],
        overlap={k: mean(values) for k, values in tops.items()},
        kendall=mean(kendall),
        spearman=mean(order),
        lead=_lead(first, second, step_s),
        zones=[_zone(zone, first, second, grid, step_s) for zone in grid.zones],
        overlap_at=tops[10],
        kendall_at=kendall,
        spearman_at=order,
    )


def jaccard(one: Any, other: Any) -> float | None:
    """Cells that are set in both over those set in either; None if none is."""
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else None


def overlaps(first: Floats, second: Floats, k: int) -> Floats:
    """Jaccard index of the top ``k`` by risk, by window; nan where there is no risk at all."""
    return _each(lambda one, other: top_overlap(one, other, k), first, second)


def mean(values: Floats) -> float | None:
    """Mean of what is not nan; None if all is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _each(measure: Any, first: Floats, second: Floats) -> Floats:
    found = np.full(len(first), np.nan)
    # Most windows of a year are without any risk.
    for window in np.flatnonzero(first.any(axis=1) | second.any(axis=1)):
        value = measure(first[window], second[window])
        found[window] = np.nan if value is None else value
    return found


def _lead(first: Course, second: Course, step_s: int) -> Lead:
    both = first.alarmed.any(axis=0) & second.alarmed.any(axis=0)
    begins = [course.alarmed[:, both].argmax(axis=0) for course in (first, second)]
    hours = (begins[1] - begins[0]) * (step_s / HOUR_S)
    some = len(hours) > 0
    return Lead(
        nodes=len(hours),
        earlier=int((hours > 0).sum()),
        same=int((hours == 0).sum()),
        later=int((hours < 0).sum()),
        median_h=float(np.median(hours)) if some else None,
        largest_h=float(hours.max()) if some else None,
        smallest_h=float(hours.min()) if some else None,
    )


def _zone(zone: str, first: Course, second: Course, grid: Grid, step_s: int) -> ZoneAgreement:
    members = [i for i, node in enumerate(grid.nodes) if node.zone == zone]
    one, other = first.alarmed[:, members], second.alarmed[:, members]
    hours = step_s / HOUR_S
    return ZoneAgreement(
        zone,
        first_h=int(one.sum()) * hours,
        second_h=int(other.sum()) * hours,
        both_h=int((one & other).sum()) * hours,
        jaccard=jaccard(one, other),
    )
