"""Snapshots of older runs, fetched lazily and shared by all viewers."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Lock
from types import MappingProxyType

from ui.client.answer_cache import OnDemand
from ui.client.http import ApiClient
from ui.client.snapshot import Snapshot, Views, ask_views, content_of
from ui.client.trends import Trends

KEPT = 8


class EarlierRuns:
    """Makes snapshots of runs that are not the newest; many threads may ask.

    Parameters
    ----------
    client
        Where to ask. A run is asked for again only when its workers have published more of it.
    clock
        Wall clock in epoch seconds.
    versions
        Where a snapshot with new content takes its version from; never gives one twice.
    """

    def __init__(
        self, client: ApiClient, clock: Callable[[], float], versions: Iterator[int]
    ) -> None:
        self._client = client
        self._clock = clock
        self._versions = versions
        self._on_demand = OnDemand()
        self._lock = Lock()
        self._kept: OrderedDict[str, Snapshot] = OrderedDict()

    def snapshot(self, newest: Snapshot, run: str) -> Snapshot:
        """The snapshot of a run; the newest one's, saying so, when the run is not known."""
        info = next((known for known in newest.runs if known.run == run), None)
        if info is None or newest.grid is None:
            return replace(newest, missing=run) if newest.answered_at else newest
        views = self._views(newest, run, round(info.published_at * 1000))
        found = replace(newest, run=info, models=views, trends=Trends())
        with self._lock:
            before = self._kept.get(run)
            same = before is not None and _content(before) == _content(found)
            version = before.version if before and same else next(self._versions)
            self._kept[run] = replace(found, version=version)
            self._kept.move_to_end(run)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[run]

    def renew(self) -> None:
        """Give the snapshots new versions, so that all about them is asked for again."""
        with self._lock:
            self._kept.clear()

    def _views(self, newest: Snapshot, run: str, published: int) -> Views:
        grid, key = newest.grid, ("run", run)
        views: Views | None
        if newest.error or grid is None:
            views = self._on_demand.known(key)
        else:
            now = self._clock()
            views = self._on_demand.get(
                key, published, lambda: ask_views(self._client, grid, run, now)
            )
        return views if views is not None else MappingProxyType({})


def _content(snapshot: Snapshot) -> list[object]:
    return content_of(snapshot.grid, snapshot.runs, snapshot.run, snapshot.health, snapshot.models)
