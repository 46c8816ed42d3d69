"""``POST /api/v1/measurements``: the one address of the API that takes something."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from faust.web.views import View

from topology.errors import GridstressError, MessageError, UsageError
from ui.auth import POSTED
from ui.views import check_query

RETRY_S = 1
"""What a program that was not heard is told to wait, s."""

DEFAULT_SOURCE = "http"
MAX_SOURCE = 200

Take = Callable[[bytes, str, bool | None], Awaitable[Mapping[str, int]]]
"""Takes a body, its source and whether it is synthetic, and says what was taken.

A MessageError is the sender's fault, any other is not.
"""


def register_measurements(app: Any, take: Take) -> None:
    """Add the address to a Faust app that has not started."""

    @app.page(POSTED)
    class Measurements(View):
        """Takes frames, a line of JSON each."""

        async def post(self, request: Any, **kwargs: Any) -> Any:
            """Answer once the broker has them."""
            try:
                source, synthetic = _origin(request.query)
                return _reply(self, await take(await request.read(), source, synthetic), 200)
            except UsageError as error:
                return _reply(self, {"error": str(error)}, 400)
            except MessageError as error:
                return _reply(self, {"error": str(error), "reason": error.reason}, 400)
            except GridstressError as error:
                return _reply(self, {"error": str(error)}, 503, {"Retry-After": str(RETRY_S)})


def _origin(query: Mapping[str, str]) -> tuple[str, bool | None]:
    check_query(query, ("source", "synthetic"))
    source, said = query.get("source", DEFAULT_SOURCE), query.get("synthetic")
    if not 1 <= len(source) <= MAX_SOURCE:
        raise UsageError(f"source must have 1 to {MAX_SOURCE} characters, got {len(source)}")
    if said not in (None, "true", "false"):
        raise UsageError(f"synthetic must be true or false, got {said[:40]!r}")
    return source, None if said is None else said == "true"


def _reply(
    view: View, answer: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None
) -> Any:
    return view.bytes(
        msgspec.json.encode(answer),
        content_type="application/json",
        status=status,
        headers={
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **(headers or {}),
        },
    )
