"""Where reports of runs lie, for whoever writes or shows them."""

import re
from pathlib import Path

from gridstress.settings import Settings

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def report_path(settings: Settings, run: str) -> Path:
    """The report of a run; what could mean another place in a file name becomes ``_``."""
    return Path(settings.reports_dir) / report_name(run)


def report_name(run: str) -> str:
    """A run's name as the name of a file, such as ``winter.html``."""
    return _UNSAFE.sub("_", run).lstrip(".") + ".html"
