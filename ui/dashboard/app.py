"""The dashboard as one Dash application, made to order."""

from pathlib import Path

from dash import Dash, html
from flask import Response

from ui.dashboard.alarms import ALARMS
from ui.dashboard.compare import COMPARE
from ui.dashboard.node import NODE
from ui.dashboard.overview import OVERVIEW
from ui.dashboard.page import Page
from ui.dashboard.pause import Paused, steady
from ui.dashboard.shell import register_shell, shell
from ui.dashboard.source import Source
from ui.dashboard.system import SYSTEM

PAGES: tuple[Page, ...] = (OVERVIEW, COMPARE, ALARMS, NODE, SYSTEM)
"""The pages, in the order of the navigation. A new page is one more entry here."""

ASSETS = Path(__file__).parent.parent / "assets"

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Dash writes its settings into the page; plotly and Mantine set styles.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "frame-ancestors 'none'",
    )
)
"""The browser itself refuses any request to another host."""


def create_dashboard(
    source: Source, *, refresh_s: float = 1.0, pages: tuple[Page, ...] = PAGES
) -> Dash:
    """Make the dashboard.

    Parameters
    ----------
    source
        Where snapshots come from; a started :class:`ui.poller.Poller`.
    refresh_s
        Seconds between two looks of a browser at the newest snapshot.
    pages
        The pages; the one at ``/`` is shown first.

    Returns
    -------
    Dash
        Its ``server`` is a WSGI application; everything it needs is served from this process.
    """
    app = Dash(
        "gridstress",
        title="gridstress",
        update_title="",
        assets_folder=str(ASSETS),
        serve_locally=True,
        compress=False,
    )
    app.index_string = app.index_string.replace("<html>", '<html lang="en">')
    app.layout = shell(pages, refresh_s)
    app.validation_layout = html.Div(  # type: ignore[assignment]
        [app.layout, *(page.layout() for page in pages)]
    )
    paused = Paused()
    seen = steady(source, paused)
    register_shell(app, source, pages, paused)
    for page in pages:
        page.register(app, seen)
    app.server.after_request(_with_policy)
    return app


def _with_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
