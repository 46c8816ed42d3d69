"""One background thread asks the workers once a second, for however many browsers.

What it learns is an immutable :class:`ui.client.snapshot.Snapshot` of the newest run; its
``version`` grows only when there is something new to show. Everything else is fetched lazily.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from threading import Event, Thread
from typing import Any, TypeVar

from topology.errors import GridstressError
from ui.client.answer_cache import OnDemand
from ui.client.http import ApiClient
from ui.client.refusals import ApiError
from ui.client.run_cache import AGAIN_S, PastViews
from ui.client.snapshot import Snapshot, ask_views, content_of
from ui.client.strips import Strip, Strips
from ui.schema.replays import Replay, Wanted
from ui.schema.runs import Episodes, History, RunInfo
from ui.schema.system import System
from ui.schema.views import Compare, GridState, NodeDetail

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

EPISODES = 2000
SELDOM = 30
"""Every so many polls the grid and the archived runs are asked for."""
SYSTEM_EVERY_S = 2.0
MORE_HISTORY = 3
"""How often more is asked for at once of a run that is not wholly compared: each time keeps a
worker from its other work for a tenth of a second."""
ASKING = 8


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
        self._past: list[RunInfo] = []
        self._versions = count(1)
        self._askers = ThreadPoolExecutor(ASKING, thread_name_prefix="gridstress-ask")
        # Not the same: those who ask about a node may wait for the views of its run.
        self._view_askers = ThreadPoolExecutor(ASKING, thread_name_prefix="gridstress-views")
        self._past_views = PastViews(client, clock, self._versions, self._view_askers)
        self._on_demand = OnDemand()
        # Not the same: who drags the time bar asks for many, and each is soon past.
        self._moments = OnDemand()
        self._strips = Strips(client)
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
        self._askers.shutdown(cancel_futures=True)
        self._view_askers.shutdown(cancel_futures=True)
        self._client.close()

    def snapshot(self, run: str | None = None, at: str | None = None) -> Snapshot:
        """The snapshot of a run, by default the newest, now or at a moment of grid time."""
        newest = self._snapshot
        known = newest.run.run if newest.run else None
        if at is None and run in (None, known):
            return newest
        name = run or known
        return self._past_views.snapshot(newest, name, at) if name else newest

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

    def node(
        self, node_id: str, model: str, run: str | None = None, at: str | None = None
    ) -> NodeDetail | None:
        """One node's detail, asked for at most once a snapshot version; None if not to be had.

        While the workers are gone it is the last one known. Here and below, ``run`` is the newest
        and ``at`` is now unless they are given.
        """
        ask = self._client.node
        return self._once(
            ("node", node_id, model), run, at, lambda name: ask(node_id, model, name, at=at)
        )

    def details(
        self, node_id: str, models: Sequence[str], run: str | None = None, at: str | None = None
    ) -> dict[str, NodeDetail]:
        """One node under several models, asked for at the same time; without those not known."""
        asked = [model for model in self.snapshot(run, at).models if model in models]
        found = self._askers.map(lambda model: self.node(node_id, model, run, at), asked)
        return {model: one for model, one in zip(asked, found, strict=True) if one}

    def episodes(self, run: str | None = None, at: str | None = None) -> Episodes | None:
        """The newest 2,000 alarm episodes of all models; kept like a node's detail."""
        ask = self._client.episodes
        return self._once(("episodes",), run, at, lambda name: ask(run=name, limit=EPISODES, at=at))

    def history(
        self,
        run: str | None = None,
        models: Sequence[str] | None = None,
        at: str | None = None,
        beside: str | None = None,
    ) -> History | None:
        """How two models have agreed over the run; kept like a node's detail, once it is whole.

        ``beside`` is another run: then how both have, each under its model.
        """
        return self._once(
            ("history", *(models or ()), beside or ""),
            run,
            at,
            lambda name: self._history(name, models, at, beside),
            whole=lambda history: not history.to_compare,
        )

    def compare(
        self,
        run: str | None = None,
        models: Sequence[str] | None = None,
        at: str | None = None,
    ) -> Compare | None:
        """Two models next to each other; kept like a node's detail."""
        ask = self._client.compare
        return self._once(
            ("compare", *(models or ())), run, at, lambda name: ask(name, models=models, at=at)
        )

    def beside(self, run: str, other: str, models: Sequence[str], at: str) -> Compare | str | None:
        """A run at a moment next to another one, or why that cannot be; kept like a state."""

        def ask() -> Compare | str:
            try:
                return self._client.compare(run, models=models, beside=other, at=at)
            except ApiError as error:
                return str(error)

        return self._kept(("beside", run, other, *models, at), ask)

    def state_of(self, run: str, model: str, at: str) -> GridState | None:
        """A model of any run at a moment, asked for at most every half a minute."""
        key = "state", run, model, at
        return self._kept(key, lambda: self._client.state(model, run, at=at))

    def episodes_of(self, run: str, model: str, at: str) -> Episodes | None:
        """The alarm episodes of any run under a model up to a moment; kept like its state."""
        key = "episodes of", run, model, at
        return self._kept(key, lambda: self._client.episodes(model, run, EPISODES, at=at))

    def strip(self, run: str, model: str) -> Strip | None:
        """The highest risk of every window of a run; None if it is not to be had."""
        snapshot = self.snapshot(run)
        if snapshot.error:
            return self._strips.known(run, model)
        return self._strips.get(run, model, snapshot.version)

    def known_strip(self, run: str, model: str) -> Strip | None:
        """The same as far as it is known; sends no request."""
        return self._strips.known(run, model)

    def command(self, wanted: Wanted) -> Replay:
        """Command a replay; errors as of the client."""
        return self._client.command(wanted)

    def system(self) -> System | None:
        """How the workers are, asked for at most every two seconds; the last one known if gone."""
        if self._snapshot.error:
            last: System | None = self._on_demand.known(("system",))
            return last
        age = int(self._clock() // SYSTEM_EVERY_S)
        return self._on_demand.get(("system",), age, self._client.system)

    def _history(
        self, run: str | None, models: Sequence[str] | None, at: str | None, beside: str | None
    ) -> History:
        found = self._client.history(run, models, beside=beside, at=at)
        for _ in range(MORE_HISTORY):
            if not found.to_compare:
                break
            found = self._client.history(run, models, beside=beside, at=at)
        return found

    def _kept(self, key: tuple[str, ...], ask: Callable[[], Answer]) -> Answer | None:
        if self._snapshot.error:
            last: Answer | None = self._moments.known(key)
            return last
        return self._moments.get(key, int(self._clock() // AGAIN_S), ask)

    def _once(
        self,
        what: tuple[str, ...],
        run: str | None,
        at: str | None,
        ask: Callable[[str | None], Answer],
        whole: Callable[[Answer], bool] = lambda _: True,
    ) -> Answer | None:
        snapshot = self.snapshot(run, at)
        name = snapshot.run.run if snapshot.run else None
        key = (*what, name or "", at or "")
        if snapshot.error:
            last: Answer | None = self._on_demand.known(key)
            return last
        return self._on_demand.get(key, snapshot.version, lambda: ask(name), whole)

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

    def _with_past(self, live: list[RunInfo]) -> tuple[RunInfo, ...]:
        known = {run.run for run in live}
        return (*live, *(run for run in self._past if run.run not in known))

    def _ask(self, before: Snapshot, now: float) -> Snapshot:
        grid = before.grid
        if grid is None or before.error or self._polls % SELDOM == 0:
            grid = self._client.grid()
            self._past = self._client.past_runs()
        self._polls += 1
        runs = self._with_past(self._client.runs())
        run = runs[0] if runs else None
        name = run.run if run else None
        views = ask_views(self._client, grid, name, now)
        health = self._client.health()
        replays = self._client.replays()
        content = content_of(grid, runs, run, health, views)
        # What could not be answered is asked for again, as if there were news: after the last
        # window of a run there would be no other occasion.
        failed = self._on_demand.take_failed() or bool(before.error)
        if failed:
            self._past_views.renew()
        changed = failed or content != self._content
        self._content = content
        answered_at = self._clock()
        states = {model: view.state for model, view in views.items()}
        return Snapshot(
            version=next(self._versions) if changed else before.version,
            grid=grid,
            run=run,
            runs=runs,
            models=views,
            health=health,
            replays=tuple(replays),
            worker=self._client.worker,
            asked_at=now,
            answered_at=answered_at,
            took_s=answered_at - now,
            trends=before.trends.follow(now, name, states),
        )
