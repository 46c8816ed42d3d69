"""Snapshots of older runs and of moments, fetched lazily and shared by all viewers."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace
from threading import Lock
from types import MappingProxyType

from ui.client.answer_cache import OnDemand
from ui.client.http import ApiClient
from ui.client.snapshot import Snapshot, Views, ask_views, content_of
from ui.client.trends import Trends

KEPT = 64


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
        # What lies behind the watermark does not change any more.
        final = at is not None and at <= (info.watermark or "")
        published = 0 if final else round(info.published_at * 1000)
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

    def renew(self) -> None:
        """Give the snapshots new versions, so that all about them is asked for again."""
        with self._lock:
            self._kept.clear()

    def _views(self, newest: Snapshot, run: str, at: str | None, published: int) -> Views:
        grid, key = newest.grid, ("run", run, at or "")
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


def _content(snapshot: Snapshot) -> list[object]:
    return content_of(snapshot.grid, snapshot.runs, snapshot.run, snapshot.health, snapshot.models)
