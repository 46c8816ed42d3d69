"""Build the dashboard's Dash application."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from dash import Dash, html

from ui.client.poller import Poller
from ui.dashboard.pages.alarms.page import ALARMS
from ui.dashboard.pages.compare.page import COMPARE
from ui.dashboard.pages.compare.report_link import register_reports
from ui.dashboard.pages.node.page import NODE
from ui.dashboard.pages.overview.page import OVERVIEW
from ui.dashboard.pages.system.page import SYSTEM, register_settings
from ui.dashboard.serving.security_headers import add_headers
from ui.dashboard.shell.page import Page
from ui.dashboard.shell.shell import register_shell, shell
from ui.dashboard.shell.view_context import ViewContext

PAGES: tuple[Page, ...] = (OVERVIEW, COMPARE, ALARMS, NODE, SYSTEM)
"""The pages, in the order of the navigation; the one at ``/`` is shown first."""

ASSETS = Path(__file__).parents[2] / "assets"


def create_dashboard(
    source: Poller,
    *,
    reports: Path = Path(".gridstress/reports"),
    meanings: Mapping[str, str] = MappingProxyType({}),
    refresh_s: float = 1.0,
    token: bool = False,
) -> Dash:
    """Make the dashboard.

    Parameters
    ----------
    source
        Where answers come from; a started :class:`ui.client.poller.Poller`.
    reports
        Where reports of runs lie.
    meanings
        What each of the workers' settings is for, by the variable's name.
    refresh_s
        Seconds between two looks of a browser at the newest snapshot.
    token
        Whether only those are let in who have logged in.

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
        compress=True,
    )
    icon = app.get_asset_url("icon.svg")
    app.index_string = (
        app.index_string.replace("<html>", '<html lang="en">')
        .replace("{%favicon%}", f'<link rel="icon" type="image/svg+xml" href="{icon}">')
        # Scripts are no content: the page has a footer of its own.
        .replace("<footer>", "<div>")
        .replace("</footer>", "</div>")
    )
    # Made for every visit: the header then knows the models before an address names one.
    app.layout = lambda: shell(PAGES, refresh_s, source.snapshot().grid)
    app.validation_layout = html.Div(  # type: ignore[assignment]
        [shell(PAGES, refresh_s, None), *(page.layout() for page in PAGES)]
    )
    context = ViewContext(source)
    register_shell(app, source, context, PAGES, token=token)
    for page in PAGES:
        page.register(app, context)
    register_reports(app, context, reports)
    register_settings(app, context, meanings)
    add_headers(app)
    return app
