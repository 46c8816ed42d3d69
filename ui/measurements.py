"""``POST /api/v1/measurements``: the one address of the API that takes something."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from faust.web.views import View

from topology.errors import GridstressError, MessageError
from ui.auth import POSTED

RETRY_S = 1
"""What a program that was not heard is told to wait, s."""

Take = Callable[[bytes], Awaitable[Mapping[str, int]]]
"""Takes a body and says what was taken. A MessageError is its fault, any other not."""


def register_measurements(app: Any, take: Take) -> None:
    """Add the address to a Faust app that has not started."""

    @app.page(POSTED)
    class Measurements(View):
        """Takes frames, a line of JSON each."""

        async def post(self, request: Any, **kwargs: Any) -> Any:
            """Answer once the broker has them."""
            try:
                return _reply(self, await take(await request.read()), 200)
            except MessageError as error:
                return _reply(self, {"error": str(error), "reason": error.reason}, 400)
            except GridstressError as error:
                return _reply(self, {"error": str(error)}, 503, {"Retry-After": str(RETRY_S)})


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
