"""Two runs beside each other: the first as it is asked for, the second as the archive has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from topology.agreement import Agreement, agreement
from topology.alignment import Span, shift_between
from topology.clock import from_iso, to_iso
from topology.errors import DataError, UsageError
from ui.api import serializers
from ui.api.agreement_history import TOP_K
from ui.api.answers import ApiQueries, figures_of
from ui.api.episodes import Episode, pair_up
from ui.api.past import Past
from ui.api.read_model import Moment, UnknownError
from ui.schema.runs import History, PastRun, RunRecord, run_record
from ui.schema.views import Beside, Compare


@dataclass(frozen=True)
class Sides:
    """Two runs and the model that is looked at of each; ``shift_s`` is added to the second's times.

    ``begin_s`` is from when on both are there, at the first's times, epoch seconds. Answers name
    the sides by their runs.
    """

    runs: tuple[str, str]
    models: tuple[str, str]
    shift_s: int
    begin_s: float


def sides_of(
    answers: ApiQueries, run: str | None, other: str, models: Sequence[str] | None
) -> Sides:
    """The sides that a request names; reads the archive.

    ``models`` are those of both runs, or one for both; by default the first.

    Raises
    ------
    UnknownError
        If there is no such model, or the archive does not have the second run.
    DataError
        If one's period is not known, or the archive has a former run of the first's name.
    UsageError
        If it is twice the same run, there are more than two models, or there is no archive.
    """
    past = answers.archive()
    if run is None:
        raise DataError("there is no run yet to compare with another one")
    if run == other:
        raise UsageError("with must name another run than the one that is compared with it")
    names = list(models) if models else list(answers.influence)[:1]
    if len(names) > 2:
        raise UsageError("with two runs, models is one name for both, or one for each")
    for name in names:
        if name not in answers.influence:
            raise UnknownError("model", name, list(answers.influence))
    if not past.has(other):
        raise UnknownError("archived run", other, [known.run for known in past.runs()])
    record = answers.store.records.get(run)
    spans = [_span(past, run, run_record(record)), _span(past, other)]
    shift_s = shift_between(spans[0], spans[1], answers.step_s)
    begin_s = max(spans[0][0], spans[1][0] + shift_s)
    return Sides((run, other), (names[0], names[-1]), shift_s, begin_s)


def kept_side(answers: ApiQueries, sides: Sides, at_s: float | None) -> Moment | None:
    """The first run at a moment, from what the views keep of it; None if the archive has to say.

    Raises
    ------
    UsageError
        If it does not have the run.
    """
    run, model = sides.runs[0], sides.models[0]
    if answers.is_past(run):
        return None
    if at_s is None:
        return answers.moment(model, run)
    try:
        return answers.at(run, at_s, model).moment(model, run)
    except LookupError:
        if not answers.past_state(run):
            raise UsageError(f"run {run} is not kept as far back as {to_iso(at_s)}") from None
        return None


def compare(
    answers: ApiQueries, sides: Sides, first: Moment | None, at_s: float | None, k: int
) -> Compare:
    """Both runs at a moment of the first, which the archive has if it is not given."""
    (run, other), model = sides.runs, sides.models[0]
    if first is None:
        first = answers.as_of(run, at_s, model).moment(model, run)
    event_s = first.view.event_time_s if first.view else None
    then_s = None if event_s is None else event_s - sides.shift_s
    second, there = _second(answers, sides, then_s)
    agreed = agreement(first.risk, second.risk, k) if there else Agreement()
    return Compare(
        **answers.run_head(run, first.view),
        nodes=list(answers.grid.ids),
        models={run: figures_of(first), other: figures_of(second)},
        top_k_overlap=agreed.top_k_overlap,
        rank_correlation=agreed.rank_correlation,
        beside=_beside(sides, second.view.event_time_s if there and second.view else None),
    )


def history(answers: ApiQueries, sides: Sides, at_s: float | None) -> History:
    """How both runs have agreed up to a moment of the first; reads the archive of both.

    Alarms count that were open in the time that both have.
    """
    past = answers.archive()
    points, to_compare = past.paired(sides.runs, sides.models, sides.shift_s).points()
    ends = [_last_s(past, sides, side) for side in range(2)]
    until_s = min(end for end in (*ends, at_s) if end is not None) if None not in ends else None
    one, other = (_episodes(past, sides, side, until_s) for side in range(2))
    pairing = pair_up(one, other)
    return History(
        version=answers.store.version,
        run=sides.runs[0],
        k=TOP_K,
        points=[
            serializers.history_point(point, sides.runs)
            for point in points
            if at_s is None or point.end_s <= at_s
        ],
        to_compare=to_compare,
        episodes=serializers.episode_pairs(pairing, sides.runs),
        lead=serializers.lead(pairing, sides.runs),
        beside=_beside(sides, None),
    )


def _second(answers: ApiQueries, sides: Sides, at_s: float | None) -> tuple[Moment, bool]:
    """The second run at a time of its own, and whether it has a window then."""
    n = len(answers.grid.nodes)
    nothing = Moment(None, np.zeros(n), np.zeros(n), [""] * n)
    if at_s is None:
        return nothing, False
    found = answers.as_of(sides.runs[1], at_s, sides.models[1]).moment(
        sides.models[1], sides.runs[1]
    )
    end_s = found.view.event_time_s if found.view else None
    there = end_s is not None and at_s - end_s < answers.step_s
    return (found, True) if there else (nothing, False)


def _last_s(past: Past, sides: Sides, side: int) -> float | None:
    """End of a side's last final window, at the first run's times."""
    run, model = sides.runs[side], sides.models[side]
    end_s = past.store(run, None, model).runs[model, run].event_time_s
    return None if end_s is None else end_s + side * sides.shift_s


def _episodes(past: Past, sides: Sides, side: int, until_s: float | None) -> list[Episode]:
    """A side's episodes that were open while both runs went on, at the first run's times."""
    if until_s is None or until_s <= sides.begin_s:
        return []
    run, model, shift_s = sides.runs[side], sides.models[side], side * sides.shift_s
    return [
        _later(episode, shift_s)
        for episode in past.store(run, until_s - shift_s, model).episodes(model, run)
        if episode.cleared_s is None or episode.cleared_s + shift_s > sides.begin_s
    ]


def _later(episode: Episode, shift_s: int) -> Episode:
    cleared_s = episode.cleared_s
    return replace(
        episode,
        raised_s=episode.raised_s + shift_s,
        cleared_s=None if cleared_s is None else cleared_s + shift_s,
    )


def _beside(sides: Sides, event_s: float | None) -> Beside:
    return Beside(sides.runs[1], serializers.iso_or_none(event_s), sides.shift_s)


def _span(past: Past, run: str, live: RunRecord | None = None) -> Span:
    """A run's span, given what is known of it while it is live."""
    known = past.summary(run) if past.has(run) else None
    kept = known.record if known else None
    if live is not None and kept is not None and kept.began != live.began:
        raise DataError(f"the archive has a former run {run!r}, and not yet this one")
    if known is None and live is not None and live.start and live.end:
        return from_iso(live.start), from_iso(live.end)
    if known is None:
        raise DataError(f"the archive has nothing yet of run {run!r}")
    return span_of(known)


def span_of(past: PastRun) -> Span:
    """From when to when an archived run is or is meant to be.

    Raises
    ------
    DataError
        If nothing is known of it.
    """
    record = past.record
    begin, end = (record.start, record.end) if record else (None, None)
    if not begin or not end:
        begin, end = past.begins, past.ends
    if not begin or not end:
        raise DataError(f"run {past.run!r} has no measurements")
    return from_iso(begin), from_iso(end)
