"""A server on loopback that gives every question the same kind of answer."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def answering(content: Callable[[], bytes], status: int = 200) -> Iterator[str]:
    """Address of a server that answers every GET and POST with what `content` returns then."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def without_views(*known: str) -> AbstractContextManager[str]:
    """Address of a worker without views; ``known`` are names of those that have them."""
    refusal = {"error": "host:6066 is a worker without views", "views": known}
    return answering(lambda: json.dumps(refusal).encode(), 421)
