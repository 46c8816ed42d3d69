"""A snapshot: the workers' answers about one run at one moment; immutable, shared by viewers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log2
from types import MappingProxyType
from typing import Any

from msgspec import structs

from topology.clock import from_iso, to_iso
from ui.client.http import ApiClient
from ui.client.trends import Trends
from ui.schema.grid import GridInfo
from ui.schema.replays import Replay
from ui.schema.runs import RunInfo
from ui.schema.system import Health
from ui.schema.views import Alert, GridState, TopNode

TIMELINE_S = 600
RANKED = 20
ALERTS = 2000
"""Alerts shown of a model, at most."""
GRID_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class ModelView:
    """What is shown of one model: values, ranking, alerts of the last ten minutes and grid day."""

    state: GridState
    top: tuple[TopNode, ...]
    alerts: tuple[Alert, ...]


Views = Mapping[str, ModelView]

STILL_S = 3.0
"""By so much a shard is published later than another one before it is said to stand still; each
is published once a second while it moves."""


def standing_still(state: GridState) -> dict[int, float]:
    """The shards that have stopped while another one goes on, and for how long, s.

    Only the workers' own times are compared: this machine's clock may be another.
    """
    newest_s = max((part.published_at for part in state.parts), default=0.0)
    furthest = max((part.event_time or "" for part in state.parts), default="")
    return {
        part.shard: newest_s - part.published_at
        for part in state.parts
        if newest_s - part.published_at > STILL_S and (part.event_time or "") < furthest
    }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The workers' last answers, and whether they still answer.

    ``version`` changes with the content, ``asked_at`` and ``answered_at`` (epoch seconds) with
    every poll; ``took_s`` is how long the last one took, ``error`` empty while the workers answer.
    ``runs`` are all runs, the newest first; ``run`` is the one shown. ``missing`` names a
    run that was wanted and is not known: then the newest is shown in its place. ``at`` is the
    moment of grid time (ISO-8601) that it is of, None for now. ``replays`` are those that follow
    commands.
    """

    version: int = 0
    grid: GridInfo | None = None
    run: RunInfo | None = None
    runs: tuple[RunInfo, ...] = ()
    missing: str = ""
    at: str | None = None
    models: Views = field(default_factory=lambda: MappingProxyType({}))
    health: Health | None = None
    replays: tuple[Replay, ...] = ()
    worker: str = ""
    asked_at: float = 0.0
    answered_at: float = 0.0
    took_s: float = 0.0
    error: str = ""
    trends: Trends = field(default_factory=Trends)

    def view(self, model: str | None) -> ModelView | None:
        """The model's view, None while there is none."""
        return self.models.get(model or "")

    @property
    def replay(self) -> Replay | None:
        """The replay that sends the run shown, or sent it last; None if it is not there."""
        name = self.run.run if self.run else None
        return next((replay for replay in self.replays if replay.run == name), None)

    @property
    def event_time(self) -> str | None:
        """The moment that the pages show: the first model's; the runs were asked for before it."""
        view = next(iter(self.models.values()), None)
        if view is None:
            return self.run.event_time if self.run else None
        return view.state.event_time

    @property
    def is_newest(self) -> bool:
        """Whether the run shown is the newest (or there is none yet)."""
        return not self.runs or (self.run is not None and self.run.run == self.runs[0].run)


def ask_views(
    client: ApiClient,
    grid: GridInfo,
    run: str | None,
    now: float,
    at: str | None = None,
    each: Callable[[Callable[[str], ModelView], Sequence[str]], Iterable[ModelView]] = map,
) -> Views:
    """Ask for all models of a run, now (epoch seconds) or at a moment of grid time.

    ``each`` asks for one model after the other; an executor's ``map`` at the same time.

    Raises
    ------
    GridstressError
        As the client says.
    """

    def ask(model: str) -> ModelView:
        state = client.state(model, run, at=at)
        top = client.top(model, run, RANKED, at=at)
        if at is None:
            since = alerts_since(now, state.speed)
            alerts = client.alerts(model, run, since=since, limit=ALERTS)
        else:
            day_before = to_iso(from_iso(at) - GRID_DAY_S)
            alerts = client.alerts(model, run, after=day_before, limit=ALERTS, at=at)
        return ModelView(state, tuple(top.nodes), tuple(alerts.alerts))

    return MappingProxyType(dict(zip(grid.models, each(ask, grid.models), strict=True)))


def alerts_since(now: float, speed: float | None) -> float | None:
    """From when on alerts are asked for: ten minutes, or the wall-clock time of a grid day.

    ``speed`` in event seconds per wall second; None, when it is not known, asks for all. In whole
    minutes and powers of two, so that the question, and with it the ETag, stays the same.
    """
    if not speed or speed <= 0:
        return None
    day_s: float = 2.0 ** ceil(log2(GRID_DAY_S / speed))
    return (now - max(TIMELINE_S, day_s)) // 60 * 60


def content_of(
    grid: GridInfo | None,
    runs: tuple[RunInfo, ...],
    run: RunInfo | None,
    health: Health | None,
    views: Views,
) -> list[Any]:
    """What can be seen of a snapshot: two that are equal in it look the same."""
    shown = [(_shown(view.state), view.top, view.alerts) for view in views.values()]
    names = [(known.run, known.ended) for known in runs]
    same = run and structs.replace(run, published_at=0.0, audit=None)
    return [grid, names, same, health and health.status, *shown]


def _shown(state: GridState) -> GridState:
    """The state without what moves every second and is not seen on the page."""
    speed = state.speed and float(f"{state.speed:.2g}")
    return structs.replace(state, version=0, parts=[], speed=speed)
