"""The directory of reports: `gridstress compare` writes them, the dashboard shows them."""

import re
from hashlib import sha256
from pathlib import Path

_UNSAFE = re.compile(r"^\.|[^A-Za-z0-9._-]")
_REPORT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._~-]*\.html")

MAX_NAME = 200
"""No report's name is so long; a file's may have 255 characters."""


def report_path(directory: Path, run: str) -> Path:
    """The report of a run."""
    return directory / report_name(run)


def comparison_name(run: str, other: str) -> str:
    """What the report of two runs is called in place of a run."""
    return f"{run} with {other}"


def report_name(run: str) -> str:
    """A run's name as the name of a file, such as ``winter.html``; each run has its own.

    What could mean another place becomes ``_``, a name of more than 150 characters is cut, and a
    digest tells ``a/b`` from ``a_b``.
    """
    safe = _UNSAFE.sub("_", run)[: MAX_NAME - 50]
    digest = "" if safe == run else "~" + sha256(run.encode()).hexdigest()[:12]
    return f"{safe}{digest}.html"


def is_report_name(name: str) -> bool:
    """Whether a report may be called so; no such name leads out of its directory."""
    return len(name) < MAX_NAME and _REPORT.fullmatch(name) is not None
