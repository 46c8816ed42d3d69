"""Snapshots of older runs and of moments, fetched lazily and shared by all viewers."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace
from threading import Lock
from types import MappingProxyType

from msgspec import structs

from topology.clock import from_iso
from ui.client.answer_cache import Key, OnDemand
from ui.client.http import ApiClient
from ui.client.snapshot import Snapshot, Views, ask_views, content_of
from ui.client.trends import Trends
from ui.schema.grid import GridInfo

KEPT = 64
AGAIN_S = 30.0
"""A moment that is whole is asked for again after so long, and one of which nothing is kept: its
alerts may have come after its windows, the archive may have it by now."""


class PastViews:
    """Makes snapshots of what is not the newest run now; many threads may ask.

    Parameters
    ----------
    client
        Where to ask. Something is asked for again only when its run's workers have published more.
    clock
        Wall clock in epoch seconds.
    versions
        Where a snapshot with new content takes its version from; never gives one twice.
    askers
        Threads that ask for all models at the same time.
    """

    def __init__(
        self,
        client: ApiClient,
        clock: Callable[[], float],
        versions: Iterator[int],
        askers: Executor,
    ) -> None:
        self._client = client
        self._askers = askers
        self._clock = clock
        self._versions = versions
        self._on_demand = OnDemand()
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str | None], Snapshot] = OrderedDict()

    def snapshot(self, newest: Snapshot, run: str, at: str | None = None) -> Snapshot:
        """The snapshot of a run; the newest one's, saying so, when the run is not known."""
        info = next((known for known in newest.runs if known.run == run), None)
        if info is None or newest.grid is None:
            return replace(newest, missing=run) if newest.answered_at else newest
        published = round(info.published_at * 1000)
        if at is not None and self._is_whole(newest.grid, run, at):
            published = -int(self._clock() // AGAIN_S)
        views = self._views(newest, run, at, published)
        found = replace(newest, run=info, models=views, trends=Trends(), at=at)
        with self._lock:
            before = self._kept.get((run, at))
            same = before is not None and _content(before) == _content(found)
            version = before.version if before and same else next(self._versions)
            self._kept[run, at] = replace(found, version=version)
            self._kept.move_to_end((run, at))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[run, at]

    def _is_whole(self, grid: GridInfo, run: str, at: str) -> bool:
        """Whether no more comes of a moment: all models have its window, or it is not known."""
        views: Views = self._on_demand.known(_key(run, at)) or {}
        ends = [view.state.event_time for view in views.values()]
        since_s = from_iso(at) - grid.settings.step_s
        return all(end is not None and from_iso(end) > since_s for end in ends)

    def renew(self) -> None:
        """Give the snapshots new versions, so that all about them is asked for again."""
        with self._lock:
            self._kept.clear()

    def _views(self, newest: Snapshot, run: str, at: str | None, published: int) -> Views:
        grid, key = newest.grid, _key(run, at)
        views: Views | None
        if newest.error or grid is None:
            views = self._on_demand.known(key)
        else:
            now = self._clock()
            views = self._on_demand.get(
                key,
                published,
                lambda: ask_views(self._client, grid, run, now, at, self._askers.map),
            )
        return views if views is not None else MappingProxyType({})


def _key(run: str, at: str | None) -> Key:
    return "run", run, at or ""


def _content(snapshot: Snapshot) -> list[object]:
    run = snapshot.run
    if run is not None and snapshot.at is not None:
        # A moment stays while the run goes on.
        run = structs.replace(run, event_time=None, watermark=None)
    return content_of(snapshot.grid, snapshot.runs, run, snapshot.health, snapshot.models)
