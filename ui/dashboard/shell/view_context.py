"""The view context: the run and the moment that one browser shows.

The shell tells every page by ``news``, ``[version, run, at]``: the version of the snapshot to show,
the run that was chosen, None to follow the newest, and the moment of grid time, None for now.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import ctx
from dash.exceptions import MissingCallbackContextException

from topology.clock import from_iso
from topology.messages import RESULT_TIMES
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.client.strips import Strip
from ui.schema.runs import Episodes, History
from ui.schema.system import System
from ui.schema.views import Compare, GridState, NodeDetail


class ViewContext:
    """The source for pages: inside a callback, what that browser looks at.

    It knows from the callback's own ``news``, so every callback that asks has it as an input or a
    state. Outside of callbacks it is the newest.
    """

    def __init__(self, source: Poller) -> None:
        self._source = source

    def snapshot(self) -> Snapshot:
        """The snapshot of the run and the moment."""
        return self._source.snapshot(*looked_at())

    def node(self, node_id: str, model: str) -> NodeDetail | None:
        """One node's detail."""
        return self._source.details(node_id, [model], *looked_at()).get(model)

    def details(self, node_id: str, models: Sequence[str]) -> dict[str, NodeDetail]:
        """One node under several models."""
        return self._source.details(node_id, models, *looked_at())

    def episodes(self) -> Episodes | None:
        """The alarm episodes."""
        return self._source.episodes(*looked_at())

    def history(self, models: Sequence[str], beside: str | None = None) -> History | None:
        """How two models have agreed, or two runs."""
        run, at = looked_at()
        return self._source.history(run, models, at, beside)

    def compare(self, models: Sequence[str]) -> Compare | None:
        """Two models next to each other."""
        run, at = looked_at()
        return self._source.compare(run, models, at)

    def beside(self, run: str, other: str, models: Sequence[str], at: str) -> Compare | str | None:
        """A run at a moment next to another one."""
        return self._source.beside(run, other, models, at)

    def state_of(self, run: str, model: str, at: str) -> GridState | None:
        """A model of any run at a moment."""
        return self._source.state_of(run, model, at)

    def episodes_of(self, run: str, model: str, at: str) -> Episodes | None:
        """The alarm episodes of any run up to a moment."""
        return self._source.episodes_of(run, model, at)

    def strip(self, model: str) -> Strip | None:
        """The run's strip as far as it is known."""
        snapshot = self.snapshot()
        return self._source.known_strip(snapshot.run.run, model) if snapshot.run else None

    def system(self) -> System | None:
        """How the workers are: now, whatever the moment is."""
        return self._source.system()


def looked_at() -> tuple[str | None, str | None]:
    """Run and moment that the running callback got as ``news``; None for what it did not."""
    try:
        values: Mapping[str, Any] = {**ctx.states, **ctx.inputs}
    except (MissingCallbackContextException, LookupError):
        return None, None
    match values.get("news.data"):
        case [int(), str() | None as run, str() | None as at]:
            return run, known_moment(at)
    return None, None


def known_moment(at: object) -> str | None:
    """A moment as a browser names it; None for live, and for what is no time of any run."""
    try:
        at_s = from_iso(at) if isinstance(at, str) and at.isascii() else None
    except (ValueError, OverflowError):
        return None
    first_s, last_s = (moment.timestamp() for moment in RESULT_TIMES)
    return str(at) if at_s is not None and first_s <= at_s <= last_s else None
