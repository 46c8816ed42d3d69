"""The view context: the run and the moment that one browser shows.

The shell tells every page by ``news``, ``[version, run]``: the version of the snapshot to show,
and the run that was chosen, None to follow the newest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from dash import ctx
from dash.exceptions import MissingCallbackContextException

from ui.client.poller import Poller
from ui.client.rewind import node_at
from ui.client.snapshot import Snapshot
from ui.dashboard.shell.paused_views import PausedViews
from ui.schema.runs import Episodes, History
from ui.schema.system import System
from ui.schema.views import Compare, NodeDetail

Answer = TypeVar("Answer")


class ViewContext:
    """The source for pages: inside a callback, what that browser looks at.

    It knows from the callback's own ``news``, so every callback that asks has it as an input or a
    state. Outside of callbacks it is the newest.
    """

    def __init__(self, source: Poller, paused: PausedViews) -> None:
        self._source = source
        self._paused = paused

    def snapshot(self) -> Snapshot:
        """The snapshot that the view stands at, or the newest of its run."""
        version, run = news_of_callback()
        stands = self._paused.at(version)
        return stands.snapshot if stands else self._source.snapshot(run)

    def node(self, node_id: str, model: str) -> NodeDetail | None:
        """One node's detail; in a paused view brought back to its moment."""
        return self.details(node_id, [model]).get(model)

    def details(self, node_id: str, models: Sequence[str]) -> dict[str, NodeDetail]:
        """One node under several models; in a paused view brought back to its moment."""
        version, run = news_of_callback()
        stands = self._paused.at(version)
        if stands is None:
            return self._source.details(node_id, models, run)
        snapshot = stands.snapshot

        def ask() -> dict[str, NodeDetail] | None:
            found = self._source.details(node_id, models, run)
            return {model: node_at(one, snapshot) for model, one in found.items()} or None

        return stands.answer(("node", node_id, *models), ask) or {}

    def episodes(self) -> Episodes | None:
        """The alarm episodes."""
        return self._answer(("episodes",), self._source.episodes)

    def history(self, models: Sequence[str]) -> History | None:
        """How two models have agreed."""
        ask = self._source.history
        return self._answer(("history", *models), lambda run: ask(run, models))

    def compare(self, models: Sequence[str]) -> Compare | None:
        """Two models next to each other."""
        ask = self._source.compare
        return self._answer(("compare", *models), lambda run: ask(run, models))

    def system(self) -> System | None:
        """How the workers are."""
        return self._answer(("system",), lambda _run: self._source.system())

    def _answer(
        self, key: tuple[str, ...], ask: Callable[[str | None], Answer | None]
    ) -> Answer | None:
        version, run = news_of_callback()
        stands = self._paused.at(version)
        return stands.answer(key, lambda: ask(run)) if stands else ask(run)


def news_of_callback() -> tuple[int | None, str | None]:
    """Version and run that the running callback got as ``news``; None for what it did not."""
    try:
        values: Mapping[str, Any] = {**ctx.states, **ctx.inputs}
    except MissingCallbackContextException:
        return None, None
    match values.get("news.data"):
        case [int() as version, str() | None as run]:
            return version, run
    return None, None
