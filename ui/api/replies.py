"""An answer of the API as JSON."""

from collections.abc import Mapping
from typing import Any

import msgspec

CHECKED = {"Cache-Control": "no-cache"}
NOT_KEPT = {"Cache-Control": "no-store"}


def reply(view: Any, answer: Any, status: int, headers: Mapping[str, str] = CHECKED) -> Any:
    """Answer with a struct, or with no body if it is None; ``view`` is Faust's."""
    return view.bytes(
        b"" if answer is None else msgspec.json.encode(answer),
        content_type="application/json",
        status=status,
        headers={"X-Content-Type-Options": "nosniff", **headers},
    )
