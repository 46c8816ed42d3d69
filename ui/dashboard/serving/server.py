"""Serve the dashboard with waitress: a threaded production server in pure Python.

Dash's own server is Flask's development server, which warns against production use; the others
(gunicorn, uwsgi) fork workers, and each of them would poll the API on its own.
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from topology.errors import GridstressError, UsageError
from ui.auth import refuse_exposed
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.dashboard.serving.app import create_dashboard
from ui.dashboard.serving.login import ask_for_token, refuse_other_names

THREADS = 8

LIMITS: dict[str, Any] = {
    "max_request_body_size": 4 << 20,
    "max_request_header_size": 16 << 10,
}
"""How much a request may be, bytes; a callback sends what it stands on."""


def serve(
    urls: str | Sequence[str],
    *,
    bind: str = "127.0.0.1",
    port: int = 8050,
    token: str = "",
    insecure: bool = False,
    proxy: str = "",
    reports: Path = Path(".gridstress/reports"),
    meanings: Mapping[str, str] = MappingProxyType({}),
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Poll the workers and serve the pages until interrupted.

    Parameters
    ----------
    urls
        Workers to ask, in this order.
    bind, port
        Where to listen.
    token
        What the workers ask for and the log-in wants; empty if there is none.
    insecure
        Whether anybody may look who reaches the port; else loopback alone needs no token.
    proxy
        Address that is believed for whom it asks; empty if there is no proxy.
    reports, meanings
        As for ``create_dashboard``.
    on_ready
        Called once with the page's address, when it can be opened.

    Raises
    ------
    UsageError
        If a worker address is none, the port is taken, or others could look in without a token.
    """
    from waitress.server import create_server

    refuse_exposed("the dashboard", bind, "GRIDSTRESS_UI_BIND", token=token, insecure=insecure)
    poller = Poller(ApiClient(urls, token=token))
    app = create_dashboard(poller, reports=reports, meanings=meanings, token=bool(token))
    if token:
        ask_for_token(app, token)
    elif not insecure:
        refuse_other_names(app)
    try:
        server = create_server(app.server, host=bind, port=port, threads=THREADS, **options(proxy))
    except OSError as error:
        poller.stop()
        raise _bind_error(bind, port, error) from None
    poller.start()
    try:
        on_ready(f"http://{bind}:{port}")
        server.run()
    finally:
        server.close()
        poller.stop()


def options(proxy: str) -> dict[str, Any]:
    """What waitress admits, and whom it believes: only a proxy at this address."""
    believed: dict[str, Any] = {"clear_untrusted_proxy_headers": bool(proxy)}
    if proxy:
        believed["trusted_proxy"] = proxy
        believed["trusted_proxy_headers"] = {"x-forwarded-for", "x-forwarded-proto"}
    return {"ident": None, **LIMITS, **believed}


def _bind_error(bind: str, port: int, error: OSError) -> GridstressError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(f"port {port} on {bind} is taken", hint="choose another one with --port")
    return UsageError(f"cannot listen on {bind}:{port}: {error.strerror or error}")
