"""A page of the dashboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dash import Dash
from dash.development.base_component import Component

from ui.dashboard.shell.source import Source


@dataclass(frozen=True, slots=True)
class Page:
    """A page: where it is, what it is called, what it looks like, what it does.

    ``layout()`` is called for every visit; ``register(app, source)`` once, to add its callbacks.
    They may listen to ``news`` (a new snapshot version), ``grid`` (another grid), ``model`` and
    ``slide`` (every five seconds) of the shell; nothing else needs a clock. A page with ``below``
    also answers for every address below its path, such as ``/node/redwitz`` for ``/node``, and is
    left out of the navigation: what it shows has to be chosen elsewhere.

    ``source`` answers about the run that the browser looks at, now or at its moment: a callback is
    known by its ``news``, so every callback that asks has it as an input or a state. Where the
    header's model switch has no effect, ``switch_off`` says why, and ``switch_label`` what stands
    in its place if there are three models or more.
    """

    path: str
    title: str
    layout: Callable[[], Component]
    register: Callable[[Dash, Source], None]
    below: bool = False
    switch_off: str = ""
    switch_label: str = "All models"

    def answers_for(self, pathname: str) -> bool:
        """Whether an address is this page's."""
        return pathname == self.path or (self.below and pathname.startswith(f"{self.path}/"))


def page_at(pages: Sequence[Page], pathname: str) -> Page | None:
    """The page that an address means, None if it means none."""
    return next((page for page in pages if page.answers_for(pathname)), None)
