"""The highest risk of every window of a run, from what is kept of it and from the archive."""

from collections import Counter
from collections.abc import Mapping
from itertools import chain

from topology.clock import to_iso
from ui.api.answers import ApiQueries
from ui.api.past import Past
from ui.schema.runs import Extremes

Found = Mapping[float, tuple[float, int]]
"""Highest risk and alarms raised, by the window's end in epoch seconds."""


def kept_extremes(
    answers: ApiQueries, run: str, model: str, after_s: float | None
) -> tuple[Found, bool]:
    """Of the windows that the views keep, and whether these are all there are after an end.

    A window counts once all shards that have nodes have it.
    """
    if answers.is_past(run):
        return {}, False
    shards = (shard for shard, members in enumerate(answers.shards) if members)
    kept = [answers.store.windows(model, run, shard) for shard in shards]
    if not kept or not all(kept):
        return {}, False
    until_s = min(max(windows).end_s for windows in kept)
    risk: dict[float, float] = {}
    for window in chain.from_iterable(kept):
        if window.end_s <= until_s and (after_s is None or window.end_s > after_s):
            risk[window.end_s] = max(risk.get(window.end_s, 0.0), window.highest_risk)
    raised = Counter(
        received.alert.window_end.timestamp()
        for received in answers.store.alerts(model, run)
        if received.alert.state == "RAISED"
    )
    whole = after_s is not None and max(min(windows).end_s for windows in kept) <= after_s
    return {end_s: (highest, raised[end_s]) for end_s, highest in risk.items()}, whole


def with_archived(
    past: Past, run: str, model: str, after_s: float | None, found: Found
) -> Extremes:
    """The answer with what the archive has beside what is kept; for threads, as `Past.ask` is."""
    older = past.ask(lambda: past.extremes(run, model, after_s))
    both = {end_s: (risk, raised) for end_s, risk, raised in older}
    for end_s, (risk, raised) in found.items():
        # Of many alerts the views drop the oldest.
        both[end_s] = risk, max(raised, both.get(end_s, (0.0, 0))[1])
    return extremes_of(run, model, both)


def extremes_of(run: str, model: str, found: Found) -> Extremes:
    """The answer."""
    ends = sorted(found)
    return Extremes(
        run=run,
        model=model,
        window_end=[to_iso(end_s) for end_s in ends],
        risk=[found[end_s][0] for end_s in ends],
        raised=[found[end_s][1] for end_s in ends],
    )
