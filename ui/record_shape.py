"""How the record of a run looks, in the API's answers and where it is verified."""

from typing import Any

import msgspec

from topology.messages import RunRecord


def record_shape(record: RunRecord | None) -> dict[str, Any] | None:
    """What the sender of a run says of it; None if it has said nothing."""
    if record is None:
        return None
    shown: dict[str, Any] = msgspec.to_builtins(record)
    del shown["schema"], shown["run"]
    return shown
