"""Middleware of the worker's API: the token, and limits of a request."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from ui.auth import ANOTHER_NAME, bearer, host_of, is_loopback, refuse_write, same_token
from ui.schema.endpoints import COMMANDED, LIVE, POSTED
from ui.schema.system import Refused

MAX_BODY_BYTES = 4 << 20
"""Of what may be posted, unpacked if it is packed. Only two addresses read a body. Lines and single
headers are bounded by aiohttp (8190 bytes)."""

MAX_COMMAND_BYTES = 4096
BODIES = {POSTED: MAX_BODY_BYTES, COMMANDED: MAX_COMMAND_BYTES}
"""The addresses that read a body, and how many bytes they take at once."""

UNREAD = {"Connection": "close"}
"""The connection ends with the answer, so a body is never read."""

UNKNOWN = "unknown"
"""What the addresses that are none of ours are counted as: anybody can invent them."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


Answered = Callable[[str, int, float], None]
"""Called after each answer: the address asked for, with names for its parts that vary; the status;
and how long it took, s."""


def application_options(
    token: str, *, insecure: bool, ui_port: int, answered: Answered
) -> dict[str, Any]:
    """Options of the aiohttp application that serves the API.

    Parameters
    ----------
    token
        What every request must bring, unknown addresses included; empty if there is none.
    insecure
        Without a token: whether a server on loopback answers to other names than its own.
    ui_port
        The dashboard's port: its pages may send commands.
    answered
        Called after each answer, refusals included.
    """
    middlewares = [watch(answered), guard(token, insecure=insecure, ui_port=ui_port)]
    return {"client_max_size": MAX_BODY_BYTES, "middlewares": middlewares}


def watch(answered: Answered) -> Any:
    """Middleware that reports each answer."""

    @web.middleware
    async def ask(request: web.Request, handler: Handler) -> web.StreamResponse:
        began, status = time.perf_counter(), 500
        try:
            answer = await handler(request)
            status = answer.status
            return answer
        finally:
            resource = request.match_info.route.resource
            path = resource.canonical if resource is not None else UNKNOWN
            answered(path, status, time.perf_counter() - began)

    return ask


def guard(token: str, *, insecure: bool, ui_port: int) -> Any:
    """Middleware that lets only those through who bring the token."""

    @web.middleware
    async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
        most = BODIES.get(request.path) if request.method == "POST" else None
        if request.can_read_body and most is None:
            return _refusal(413, "this address takes no request body", UNREAD)
        if request.path != LIVE:
            if token and not same_token(bearer(request.headers.get("Authorization")), token):
                return _refusal(
                    401,
                    "this needs the token (Authorization: Bearer ...)",
                    {
                        "WWW-Authenticate": 'Bearer realm="gridstress"',
                        **({} if most is None else UNREAD),
                    },
                )
            if most is not None and request.path == POSTED and not token:
                reason = "measurements are taken with a token only: set GRIDSTRESS_API_TOKEN"
                return _refusal(403, reason, UNREAD)
            if most is not None and (request.content_length or 0) > most:
                return _refusal(413, f"at most {most:,} bytes are taken at once", UNREAD)
            if (
                most is not None
                and request.path == COMMANDED
                and not token
                and (reason := refuse_write(request.remote, request.headers, (ui_port,)))
            ):
                return _refusal(403, reason, UNREAD)
            if not (token or insecure) and _is_rebound(request):
                return _refusal(421, ANOTHER_NAME, {})
        try:
            return await handler(request)
        except web.HTTPException as error:
            allowed = {name: value for name, value in error.headers.items() if name == "Allow"}
            return _refusal(error.status, error.reason, allowed)

    return let_in


def _is_rebound(request: web.Request) -> bool:
    """Whether a page of another site asks, by a name of its own that points to loopback."""
    local = request.transport.get_extra_info("sockname") if request.transport else None
    if not isinstance(local, tuple) or not is_loopback(local[0]):
        return False
    return not is_loopback(host_of(f"//{request.headers.get('Host', '')}"))


def _refusal(status: int, reason: str, headers: dict[str, str]) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(Refused(reason)),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **headers},
    )
