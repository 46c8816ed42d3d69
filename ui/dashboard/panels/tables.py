"""What the tables have in common for the keyboard."""

from typing import Any

LEAVE: dict[str, Any] = {"function": "gridstress.leave()"}
"""For ``tabToNextCell``: Tab leaves the table; arrow keys walk through its rows."""
