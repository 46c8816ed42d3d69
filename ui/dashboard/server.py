"""Serve the dashboard with waitress: a threaded production server in pure Python.

Dash's own server is Flask's development server, which warns against production use; the others
(gunicorn, uwsgi) fork workers, and each of them would poll the API on its own.
"""

import errno
from collections.abc import Callable, Sequence

from topology.errors import GridstressError, UsageError
from ui.client import ApiClient
from ui.dashboard.app import create_dashboard
from ui.poller import Poller

THREADS = 8


def serve(
    urls: str | Sequence[str],
    *,
    bind: str = "127.0.0.1",
    port: int = 8050,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Poll the workers and serve the pages until interrupted.

    Parameters
    ----------
    urls
        Workers to ask, in this order.
    bind, port
        Where to listen.
    on_ready
        Called once with the page's address, when it can be opened.

    Raises
    ------
    UsageError
        If a worker address is none, or the port is taken.
    """
    from waitress.server import create_server

    poller = Poller(ApiClient(urls))
    app = create_dashboard(poller)
    try:
        server = create_server(app.server, host=bind, port=port, threads=THREADS, ident=None)
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


def _bind_error(bind: str, port: int, error: OSError) -> GridstressError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(f"port {port} on {bind} is taken", hint="choose another one with --port")
    return UsageError(f"cannot listen on {bind}:{port}: {error.strerror or error}")
