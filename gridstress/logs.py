"""Log formats, and text that is safe to print on a terminal.

A worker logs text where people look on, one JSON object a line where programs read.
Both have the same records. What a record is about stands in its JSON by name (``run``, ``shard``,
``topic``, ``partition``, ``offset``, ``stage``, ...), given by the code that logs as ``extra``.
"""

import json
import logging
import math
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

SAID_AGAIN_S = 300.0
MAX_KINDS = 1000
OURS = frozenset({"agents", "gridstress", "tables", "topology", "ui"})
"""Packages whose records name runs, zones and the like, which may come from anybody."""

LogFormat = Literal["auto", "text", "json"]


def wants_json(log_format: LogFormat) -> bool:
    """Whether JSON is logged; with ``auto`` it is unless a terminal shows it."""
    return log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())


def logging_config(log_format: LogFormat, port: int) -> dict[str, Any] | None:
    """What Faust is to change in how it logs; None for nothing.

    Parameters
    ----------
    port
        Of the worker's API; with the host it is the worker's name.
    """
    if not wants_json(log_format):
        return None
    formatter = {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "fmt": ["levelname", "name", "message"],
        "timestamp": True,
        "rename_fields": {"levelname": "level", "name": "logger", "exc_info": "traceback"},
        "static_fields": {"worker": f"{socket.gethostname()}:{port}"},
    }
    # Faust's handlers and levels stay; these are the names of their formatters.
    return {"merge": True, "formatters": {"default": formatter, "colored": formatter}}


class Outages(logging.Filter):
    """Lets each kind of complaint of the Kafka client through once in a while.

    A kind is a message, without its arguments, and the types of the exceptions among these.
    Without a broker it makes 150 a second, all of a few kinds; the watchdog says that it is gone,
    and that it is back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
        if record.levelno < logging.WARNING or not record.name.startswith("aiokafka"):
            return True
        causes = [type(each) for each in record.args or () if isinstance(each, Exception)]
        now, kind = self._clock(), (record.name, str(record.msg)[:100], *causes)
        if now - self._said.get(kind, -math.inf) < SAID_AGAIN_S:
            return False
        if len(self._said) >= MAX_KINDS:
            self._said.clear()
        self._said[kind] = now
        return True


class WrittenOut(logging.Filter):
    """Changes our own records such that no name in them commands the terminal that shows them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record through."""
        if record.name.partition(".")[0] in OURS:
            record.msg, record.args = printable(record.getMessage()), ()
        return True


def printable(text: str) -> str:
    """The text without what a terminal would obey: names may come from anybody."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quiet_client() -> None:
    """Keep the Kafka client's log out of the way: what it reports ends in a BrokerError."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def text_of(line: str) -> str:
    """What a line of a log says: of a JSON record its message, and the last line of a traceback."""
    if line.startswith("{"):
        with suppress(ValueError, KeyError):
            record = json.loads(line)
            error = str(record.get("traceback", "")).rstrip().rpartition("\n")[2]
            return f"{record['message']}: {error}" if error else str(record["message"])
    return line
