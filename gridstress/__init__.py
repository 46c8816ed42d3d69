"""gridstress: a grid's load as a live stream, and the stress that spreads from it."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Build the Faust app only when it is asked for (``faust -A gridstress``)."""
    if name == "app":
        from gridstress.worker import default_app

        return default_app()
    raise AttributeError(f"module 'gridstress' has no attribute {name!r}")
