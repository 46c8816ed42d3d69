"""Where reports of runs lie: `gridstress compare` writes them, the dashboard shows them."""

import re
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def report_path(directory: Path, run: str) -> Path:
    """The report of a run."""
    return directory / report_name(run)


def report_name(run: str) -> str:
    """A run's name as the name of a file, such as ``winter.html``.

    What could mean another place becomes ``_``.
    """
    return _UNSAFE.sub("_", run).lstrip(".") + ".html"
