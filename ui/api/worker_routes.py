"""The API of a worker without views: how it is, and who answers everything else."""

from collections.abc import Callable
from typing import Any

from faust.web.views import View

from ui.api.guard import UNREAD
from ui.api.replies import NOT_KEPT, reply
from ui.api.view_store import Store
from ui.schema.endpoints import COMMANDED, DESCRIPTION, ENDPOINTS, HEALTH, LIVE, POSTED, PREFIX
from ui.schema.system import GONE_S, Health, Refused

MISDIRECTED = 421
"""The status of an answer to who should have asked another server."""


def register_health(app: Any, health: Callable[[], Health]) -> None:
    """Add what every process answers, of whatever role, to a Faust app that has not started."""

    @app.page(LIVE)  # type: ignore[untyped-decorator]
    async def live(self: Any, request: Any) -> Any:
        """Whether this worker is well, and nothing else: this address asks for no token."""
        return reply(self, None, 200 if health().status == "ok" else 503)

    @app.page(PREFIX + HEALTH)  # type: ignore[untyped-decorator]
    async def alive(self: Any, request: Any) -> Any:
        """How this worker is."""
        answer = health()
        return reply(self, answer, 200 if answer.status == "ok" else 503)


def refuse_views(app: Any, refusal: Callable[[], Refused]) -> None:
    """Refuse all other addresses of the API in a Faust app that has not started."""

    def refuse(path: str) -> None:
        @app.page(path)  # type: ignore[untyped-decorator]
        async def view(self: Any, request: Any, node_id: str = "") -> Any:
            return reply(self, refusal(), MISDIRECTED, NOT_KEPT)

    def refuse_post(path: str) -> None:
        @app.page(path)
        class Refuse(View):
            """Takes nothing."""

            async def post(self, request: Any, **kwargs: Any) -> Any:
                """Leave the body unread."""
                return reply(self, refusal(), MISDIRECTED, {**NOT_KEPT, **UNREAD})

    for path in (*(path for path in ENDPOINTS if path != HEALTH), DESCRIPTION):
        refuse(PREFIX + path)
    for path in (POSTED, COMMANDED):
        refuse_post(path)


def without_views(worker: str, store: Store) -> Refused:
    """Say that a worker has no views, and which processes have, as far as the store knows."""
    now = store.clock.now()
    known = sorted(
        one.worker
        for one in store.workers.values()
        if one.role != "worker" and now - one.seen_at <= GONE_S
    )
    there = ", ".join(known) or "none has reported in the last minute"
    return Refused(
        f"{worker} is a worker without views (GRIDSTRESS_ROLE=worker): ask a view server ({there})",
        views=known,
    )
