"""A page of the dashboard."""

from collections.abc import Callable
from dataclasses import dataclass

from dash import Dash
from dash.development.base_component import Component

from ui.dashboard.source import Source


@dataclass(frozen=True, slots=True)
class Page:
    """A page: where it is, what it is called, what it looks like, what it does.

    ``layout()`` is called for every visit; ``register(app, source)`` once, to add its callbacks.
    They may listen to ``news`` (a new snapshot version), ``model`` and ``slide`` (every five
    seconds) of the shell; nothing else needs a clock.
    """

    path: str
    title: str
    layout: Callable[[], Component]
    register: Callable[[Dash, Source], None]
