"""One background thread asks the workers once a second, for however many browsers.

What it learns is an immutable :class:`Snapshot`; its ``version`` grows only when there is
something new to show.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, log2
from threading import Event, Thread
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import structs

from topology.errors import GridstressError
from ui.client import ApiClient
from ui.on_demand import OnDemand
from ui.replies import Alert, Compare, GridInfo, GridState, Health, NodeDetail, RunInfo, TopNode
from ui.replies_more import Episodes, History, System
from ui.trends import Trends

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

TIMELINE_S = 600
TOP_K = 10
RANKED = 20
GRID_DAY_S = 86_400
GRID_EVERY = 30
SYSTEM_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class ModelView:
    """What is shown of one model: values, ranking, alerts of the last ten minutes and grid day."""

    state: GridState
    top: tuple[TopNode, ...]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the workers last said, and whether they still say anything.

    ``version`` changes with the content, ``asked_at`` and ``answered_at`` (epoch seconds) with
    every poll; ``took_s`` is how long the last one took, ``error`` empty while the workers answer.
    """

    version: int = 0
    grid: GridInfo | None = None
    run: RunInfo | None = None
    models: Mapping[str, ModelView] = field(default_factory=lambda: MappingProxyType({}))
    health: Health | None = None
    worker: str = ""
    asked_at: float = 0.0
    answered_at: float = 0.0
    took_s: float = 0.0
    error: str = ""
    trends: Trends = field(default_factory=Trends)

    def view(self, model: str | None) -> ModelView | None:
        """The model's view, None while there is none."""
        return self.models.get(model or "")


class Poller:
    """Keeps the newest snapshot.

    Parameters
    ----------
    client
        Where to ask; closed by :meth:`stop`.
    interval_s
        Seconds from one poll to the next.
    clock
        Wall clock in epoch seconds.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        interval_s: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._interval_s = interval_s
        self._clock = clock
        self._snapshot = Snapshot()
        self._content: Any = None
        self._polls = 0
        self._on_demand = OnDemand()
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Poll from now on, in a thread of its own."""
        self._thread = Thread(target=self._work, name="gridstress-poller", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the client."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
        self._client.close()

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def poll(self) -> Snapshot:
        """Ask once, now, and keep what comes; never raises for a worker that is gone."""
        before = self._snapshot
        now = self._clock()
        try:
            after = self._ask(before, now)
        except GridstressError as error:
            if not before.error:
                logger.warning("lost the workers: %s", error)
            after = replace(before, asked_at=now, error=str(error))
        else:
            if before.error:
                logger.info("the workers answer again: %s", after.worker)
        self._snapshot = after
        return after

    def node(self, node_id: str, model: str) -> NodeDetail | None:
        """One node's detail, asked for at most once a snapshot version; None if not to be had.

        While the workers are gone it is the last one known.
        """
        return self._once(
            ("node", node_id, model), lambda run: self._client.node(node_id, model, run)
        )

    def episodes(self, limit: int = 500) -> Episodes | None:
        """The newest ``limit`` alarm episodes of all models; kept like a node's detail."""
        return self._once(
            ("episodes", limit), lambda run: self._client.episodes(run=run, limit=limit)
        )

    def history(self) -> History | None:
        """How the models have agreed over the run; kept like a node's detail."""
        return self._once(("history",), self._client.history)

    def compare(self, k: int = TOP_K) -> Compare | None:
        """The models next to each other now; kept like a node's detail."""
        return self._once(("compare", k), lambda run: self._client.compare(run, k))

    def system(self) -> System | None:
        """How the workers are, asked for at most every two seconds; the last one known if gone."""
        if self._snapshot.error:
            last: System | None = self._on_demand.known(("system",))
            return last
        age = int(self._clock() // SYSTEM_EVERY_S)
        return self._on_demand.get(("system",), age, self._client.system)

    def _once(
        self, key: tuple[str | int, ...], ask: Callable[[str | None], Answer]
    ) -> Answer | None:
        snapshot = self._snapshot
        if snapshot.error:
            last: Answer | None = self._on_demand.known(key)
            return last
        run = snapshot.run.run if snapshot.run else None
        return self._on_demand.get(key, snapshot.version, lambda: ask(run))

    def _work(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self.poll()
            except Exception:
                # Anything else is a bug of ours: the page must not freeze in silence over it.
                logger.exception("a poll failed")
                self._snapshot = replace(
                    self._snapshot,
                    asked_at=self._clock(),
                    error="the dashboard failed; see its log",
                )
            self._stopping.wait(max(0.0, self._interval_s - (time.monotonic() - started)))

    def _ask(self, before: Snapshot, now: float) -> Snapshot:
        grid = before.grid
        if grid is None or before.error or self._polls % GRID_EVERY == 0:
            grid = self._client.grid()
        self._polls += 1
        runs = self._client.runs()
        run = runs[0] if runs else None
        name = run.run if run else None
        views, content = {}, []
        for model in grid.models:
            state = self._client.state(model, name)
            top = self._client.top(model, name, RANKED)
            alerts = self._client.alerts(
                model, name, since=alerts_since(now, state.speed), limit=2000
            )
            views[model] = ModelView(state, tuple(top.nodes), tuple(alerts.alerts))
            content += [_shown(state), top.nodes, alerts.alerts]
        health = self._client.health()
        said = [grid, run and structs.replace(run, published_at=0.0), health.status, *content]
        changed = said != self._content
        self._content = said
        answered_at = self._clock()
        states = {model: view.state for model, view in views.items()}
        return Snapshot(
            version=before.version + changed,
            grid=grid,
            run=run,
            models=MappingProxyType(views),
            health=health,
            worker=self._client.worker,
            asked_at=now,
            answered_at=answered_at,
            took_s=answered_at - now,
            trends=before.trends.follow(now, name, states),
        )


def alerts_since(now: float, speed: float | None) -> float | None:
    """From when on alerts are asked for: ten minutes, or the wall-clock time of a grid day.

    ``speed`` in event seconds per wall second; None, when it is not known, asks for all. In whole
    minutes and powers of two, so that the question, and with it the ETag, stays the same.
    """
    if not speed or speed <= 0:
        return None
    day_s: float = 2.0 ** ceil(log2(GRID_DAY_S / speed))
    return (now - max(TIMELINE_S, day_s)) // 60 * 60


def _shown(state: GridState) -> GridState:
    """The state without what moves every second though nobody can see it on the page."""
    speed = state.speed and float(f"{state.speed:.2g}")
    return structs.replace(state, version=0, parts=[], speed=speed)
