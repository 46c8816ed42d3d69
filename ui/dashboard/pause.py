"""A paused view: the snapshot it stands at is kept, and every page goes on being shown from it.

The data go on for everybody else; only what a paused browser is shown stays.
"""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, cast

from dash import ctx
from dash.exceptions import MissingCallbackContextException

from ui.dashboard.source import Source
from ui.poller import Snapshot

KEPT = 32


class Paused:
    """The snapshots that paused views stand at, by version; the last :data:`KEPT` of them.

    A view whose snapshot has been forgotten (32 others have paused since, or the dashboard was
    restarted) moves on to the newest.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict()

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot for the view that pauses at it."""
        with self._lock:
            self._snapshots[snapshot.version] = snapshot
            self._snapshots.move_to_end(snapshot.version)
            while len(self._snapshots) > KEPT:
                self._snapshots.popitem(last=False)

    def at(self, version: int | None) -> Snapshot | None:
        """The kept snapshot of that version, None where nobody has paused at it."""
        return self._snapshots.get(version) if version is not None else None


def steady(source: Source, paused: Paused) -> Source:
    """The source for pages: inside a callback of a paused view, the snapshot it stands at.

    It knows from the callback's own ``news``; whatever else is asked goes to ``source``.
    """
    return cast("Source", _Steady(source, paused))


class _Steady:
    def __init__(self, source: Source, paused: Paused) -> None:
        self._source = source
        self._paused = paused

    def snapshot(self) -> Snapshot:
        return self._paused.at(news_of_callback()) or self._source.snapshot()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def news_of_callback() -> int | None:
    """The version that the running callback was told as ``news``; None outside of callbacks."""
    try:
        said: Mapping[str, Any] = {**ctx.states, **ctx.inputs}
    except MissingCallbackContextException:
        return None
    version = said.get("news.data")
    return version if isinstance(version, int) else None
