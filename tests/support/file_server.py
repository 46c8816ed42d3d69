"""A web server on loopback for one file: with ranges or without, and with answers that are cut."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What it serves, and what it was asked.

    Attributes
    ----------
    validators
        Headers that name the version of the content, such as ``ETag``.
    ranges
        Whether it can send a part.
    cut_after
        Bytes of an answer after which it closes the connection; None for never.
    asked
        Headers of each request, in order.
    sent
        Bytes of content sent in each answer.
    """

    content: bytes
    url: str = ""
    validators: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    ranges: bool = True
    cut_after: int | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def answer(self, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body, as RFC 9110 has them."""
        self.asked.append(headers)
        found = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
        known = headers.get("If-Range") in (None, *self.validators.values())
        if not (found and known and self.ranges):
            return 200, self.validators, self.content
        begin, size = int(found[1]), len(self.content)
        if begin >= size:
            return 416, {"Content-Range": f"bytes */{size}"}, b""
        extent = {"Content-Range": f"bytes {begin}-{size - 1}/{size}"}
        return 206, self.validators | extent, self.content[begin:]


@contextmanager
def file_server(content: bytes) -> Iterator[FileServer]:
    """Serve ``content`` at ``url`` for the length of a ``with`` block; 404 at ``/gone``."""
    served = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/gone"):
                self.send_error(404)
                return
            status, headers, body = served.answer(dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            part = body[: served.cut_after]
            served.sent.append(len(part))
            self.wfile.write(part)
            self.close_connection = True

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}/file.csv"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
