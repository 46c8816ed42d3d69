"""What is written for people: what a worker logs, and what names may do to a terminal.

A worker logs text where people look on, one JSON object a line where programs read.
Both have the same records. What a record is about stands in its JSON by name (``run``, ``shard``,
``topic``, ``partition``, ``offset``, ``stage``, ...), given by the code that logs as ``extra``.
"""

import json
import socket
import sys
from contextlib import suppress
from typing import Any, Literal

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


def printable(text: str) -> str:
    """The text without what a terminal would obey: names may come from anybody."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def text_of(line: str) -> str:
    """What a line of a log says: of a JSON record its message, and the last line of a traceback."""
    if line.startswith("{"):
        with suppress(ValueError, KeyError):
            record = json.loads(line)
            error = str(record.get("traceback", "")).rstrip().rpartition("\n")[2]
            return f"{record['message']}: {error}" if error else str(record["message"])
    return line
