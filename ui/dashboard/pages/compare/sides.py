"""The two sides of a comparison: two models of the run shown, or that run and another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from topology.models import short_title_of, title_of
from ui.client.snapshot import ModelView, Snapshot
from ui.dashboard.shell.model_pair import pair_of
from ui.dashboard.shell.source import Source
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import models_of
from ui.schema.runs import Episode, History
from ui.schema.views import Beside, Compare, GridState, ModelFigures

MAX_NAME = 160
"""Characters of a run's name, at most."""
ORDER = ("First", "Second")
"""What two runs are called where there is no room for their names."""


@dataclass(frozen=True)
class Side:
    """One side: its name in answers, its model, its words, and what is known of it.

    ``run`` is set where the other side is another run.
    """

    name: str
    model: str
    title: str
    short: str
    snapshot: Snapshot
    run: str | None = None

    @property
    def key(self) -> str:
        """What tells it from any other side."""
        return f"{self.model} of {self.run or 'this run'}"

    @property
    def state(self) -> GridState | None:
        """Its values now."""
        view = self.snapshot.view(self.model)
        return view.state if view else None


@dataclass(frozen=True)
class Sides:
    """Both sides; ``pair`` is shorter while there are no two, and ``refused`` says why.

    ``two_runs`` are the measures of two runs.
    """

    pair: Sequence[Side]
    refused: str = ""
    two_runs: Compare | None = None

    @property
    def beside(self) -> Beside | None:
        """The second run, and how its times meet those of the first; None of two models."""
        return self.two_runs.beside if self.two_runs else None

    @property
    def names(self) -> list[str]:
        """Their names in answers."""
        return [side.name for side in self.pair]

    @property
    def keys(self) -> list[str]:
        """What tells them from any others."""
        return [side.key for side in self.pair]

    @property
    def moment(self) -> Compare | None:
        """Both at one moment, without the measures; None while one is missing.

        Taken from what the maps are drawn of, so that maps and scatter are always of one moment.
        """
        states = {side.name: side.state for side in self.pair}
        there = {name: state for name, state in states.items() if state is not None}
        if len(there) < 2:
            return None
        first = next(iter(there.values()))
        return Compare(
            version=first.version,
            run=first.run,
            event_time=first.event_time,
            nodes=first.nodes,
            models={name: _figures(state) for name, state in there.items()},
            top_k_overlap=None,
            rank_correlation=None,
        )


def sides_of(source: Source, chosen: Mapping[str, Any] | None) -> Sides:
    """The sides that a browser has chosen; asks for what the snapshot does not have."""
    snapshot = source.snapshot()
    asked = chosen or {}
    if asked.get("with"):
        return _two_runs(source, snapshot, str(asked["with"]), str(asked.get("models") or ""))
    models = pair_of(snapshot.grid, asked.get("models"))
    if len(models) < 2:
        return Sides([], refused=alone_words(models))
    pair = [Side(m, m, title_of(m), short_title_of(m), snapshot) for m in models]
    return Sides(pair)


def figures_of(source: Source, sides: Sides) -> Compare | None:
    """The measures of both sides now; None while they are not to be had."""
    if sides.two_runs is not None or len(sides.pair) < 2:
        return sides.two_runs
    return source.compare(sides.names)


def history_of(source: Source, sides: Sides) -> History | None:
    """How the sides have agreed so far; None while that is not to be had."""
    if len(sides.pair) < 2:
        return None
    models = [side.model for side in sides.pair]
    return source.history(models, sides.pair[1].run)


def episodes_of(source: Source, sides: Sides) -> list[Episode]:
    """The alarm episodes of both sides, the one raised last first, of two runs by their ends."""
    newest = source.episodes()
    found = list(newest.episodes if newest else ())
    other = sides.pair[1] if len(sides.pair) == 2 else None
    until = sides.beside.event_time if sides.beside else None
    if other is None or other.run is None or until is None:
        return found
    more = source.episodes_of(other.run, other.model, until)
    return [*found, *(more.episodes if more else ())]


def _two_runs(source: Source, snapshot: Snapshot, other: str, models: str) -> Sides:
    known = models_of(snapshot.grid)
    each = [name for name in models.split(",") if name in known]
    each = each if len(each) == 2 else [known[0], known[0]]
    run, at = (snapshot.run.run if snapshot.run else None), snapshot.event_time
    if run is None or at is None:
        return Sides([], refused="There is nothing to compare yet: the run has no data.")
    if len(other) > MAX_NAME:
        return Sides([], refused="No run has so long a name.")
    found = source.beside(run, other, each, at)
    if found is None:
        return Sides([])
    if isinstance(found, str):
        return Sides([], refused=f"{run} cannot be compared with {other}: {found}.")
    then = found.event_time, found.beside.event_time if found.beside else None
    of = [f", {short_title_of(model)}" if each[0] != each[1] else "" for model in each]
    pair = [
        Side(
            name, model, f"{name}{words}", order, _shown(source, snapshot, name, model, when), name
        )
        for name, model, words, order, when in zip((run, other), each, of, ORDER, then, strict=True)
    ]
    return Sides(pair, two_runs=found)


def _shown(source: Source, snapshot: Snapshot, run: str, model: str, at: str | None) -> Snapshot:
    """A run's final window as a snapshot of one model; without values where it has none."""
    state = source.state_of(run, model, at) if at else None
    views = {model: ModelView(state, (), ())} if state else {}
    info = next((known for known in snapshot.runs if known.run == run), None)
    return replace(snapshot, run=info, models=MappingProxyType(views), at=at)


def _figures(state: GridState) -> ModelFigures:
    return ModelFigures(
        risk=state.risk,
        level=state.level,
        active_alarms=state.kpis.active_alarms.get("total", 0),
        average_risk=state.kpis.average_risk,
    )


def alone_words(models: Sequence[str]) -> str:
    """Why there is nothing to compare; empty where there is."""
    if len(models) > 1:
        return ""
    return (
        f"There is nothing to compare: {title_of(models[0])} is the only model that is enabled. "
        "GRIDSTRESS_MODELS enables more, for workers and for runs that begin from then on. "
        "Or choose a second run above."
    )


def shift_words(beside: Beside | None) -> str:
    """How the times of the second run meet those of the first."""
    if beside is None:
        return ""
    if beside.event_time is None:
        return "one of them has no final window at this time"
    then = formatting.grid_time(beside.event_time)
    if not beside.shift_s:
        return f"both at {then}"
    days, rest = divmod(abs(beside.shift_s), 86_400)
    weeks = not rest and not days % 7
    by = formatting.plural(days // 7, "week") if weeks else formatting.span(abs(beside.shift_s))
    return f"{beside.run} at {then}, {by} {'earlier' if beside.shift_s > 0 else 'later'}"
