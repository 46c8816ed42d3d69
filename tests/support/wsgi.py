"""A WSGI application in a thread of the test, on waitress, as the dashboard is served."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

from waitress import wasyncore
from waitress.server import create_server


@contextmanager
def served(application: Any, **options: Any) -> Iterator[str]:
    """Serve an application at a free port; give its address, and end the server behind it."""
    server = create_server(application, host="127.0.0.1", port=0, **options)
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # From within its own loop, which goes on until nothing is open.
        # The end of an answer may have woken the loop in between: then all is closed already.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()
