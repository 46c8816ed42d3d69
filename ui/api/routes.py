"""The worker's web views: the API's addresses, its parameters, and "nothing new" in a few bytes."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from faust.web.views import View

from topology.errors import GridstressError, MessageError, UsageError
from ui.api.answers import Answers
from ui.api.read_model import UnknownError
from ui.api.serializers import Answer
from ui.auth import LIVE, POSTED

PREFIX = "/api/v1"

Ask = Callable[[Any], Answer]
Question = tuple[Collection[str], Ask]
"""The parameters it may have, and what answers it."""

Tag = Callable[[Any], str | None]
"""Names what is answered to a query now; None if the next answer will be another one."""

Take = Callable[[bytes, str, bool | None], Awaitable[Mapping[str, int]]]
"""Takes a body, its source and whether it is synthetic, and says what was taken.

A MessageError is the sender's fault, any other is not.
"""

OF_RUN = ("model", "run")

CHECKED = {"Cache-Control": "no-cache"}
NOT_KEPT = {"Cache-Control": "no-store"}

RETRY_S = 1
"""Seconds in ``Retry-After`` when measurements cannot be taken now."""

DEFAULT_SOURCE = "http"
MAX_SOURCE = 200


def register_views(app: Any, answers: Answers, health: Callable[[], Answer]) -> None:
    """Add the API to a Faust app.

    Parameters
    ----------
    app
        The Faust app, before it starts.
    answers
        What answers.
    health
        Makes the answer of ``/health``, with its ``status``.
    """
    questions: Mapping[str, Question] = {
        "/grid": ((), lambda q: answers.overview()),
        "/runs": ((), lambda q: answers.runs()),
        "/state": (OF_RUN, lambda q: answers.state(q.get("model"), q.get("run"))),
        "/top": (
            (*OF_RUN, "k"),
            lambda q: answers.top(q.get("model"), q.get("run"), _integer(q, "k", 10, 1000)),
        ),
        "/alerts": (
            (*OF_RUN, "since", "limit"),
            lambda q: answers.alerts(
                q.get("model"), q.get("run"), _since(q), _integer(q, "limit", 200, 5000)
            ),
        ),
        "/compare": (
            ("run", "k", "models"),
            lambda q: answers.compare(q.get("run"), _integer(q, "k", 10, 1000), _pair(q)),
        ),
        "/episodes": (
            (*OF_RUN, "limit"),
            lambda q: answers.episodes(
                q.get("model"), q.get("run"), _integer(q, "limit", 500, 5000)
            ),
        ),
        "/windows/open": (OF_RUN, lambda q: answers.open_windows(q.get("model"), q.get("run"))),
    }
    boot = sha256(str(time.time_ns()).encode()).hexdigest()[:8]

    def tag(_query: Any = None) -> str:
        return f'"{boot}-{answers.store.version}"'

    def unless_unfinished(query: Any) -> str | None:
        return None if answers.to_compare(query.get("run")) else tag()

    for path, question in questions.items():
        app.page(PREFIX + path)(_view(question, tag))

    # Every answer compares some more of a run: while there is more to come, none is the last.
    app.page(PREFIX + "/compare/history")(
        _view(
            (("run", "models"), lambda q: answers.history(q.get("run"), _pair(q))),
            unless_unfinished,
        )
    )

    @app.page(PREFIX + "/node/{node_id}")  # type: ignore[untyped-decorator]
    async def node(self: Any, request: Any, node_id: str) -> Any:
        """One node."""

        def found(query: Any) -> Answer:
            return answers.node(node_id, query.get("model"), query.get("run"))

        return _answer(self, request, tag, (OF_RUN, found))

    @app.page(PREFIX + "/system")  # type: ignore[untyped-decorator]
    async def system(self: Any, request: Any) -> Any:
        """All workers; never the same twice, so without a tag."""
        question = ((), lambda _: answers.system(answers.store.clock.now()))
        return _answer(self, request, lambda _: None, question)

    @app.page(LIVE)  # type: ignore[untyped-decorator]
    async def live(self: Any, request: Any) -> Any:
        """Whether this worker is well, and nothing else: it is told to everybody."""
        return _reply(self, None, 200 if health()["status"] == "ok" else 503)

    @app.page(PREFIX + "/health")  # type: ignore[untyped-decorator]
    async def alive(self: Any, request: Any) -> Any:
        """How this worker is."""
        answer = health()
        return _reply(self, answer, 200 if answer["status"] == "ok" else 503)


def register_measurements(app: Any, take: Take) -> None:
    """Add ``POST /api/v1/measurements`` to a Faust app that has not started."""

    @app.page(POSTED)
    class Measurements(View):
        """Takes frames, a line of JSON each."""

        async def post(self, request: Any, **kwargs: Any) -> Any:
            """Answer once the broker has them."""
            try:
                source, synthetic = _origin(request.query)
                answer = await take(await request.read(), source, synthetic)
                return _reply(self, answer, 200, NOT_KEPT)
            except UsageError as error:
                return _reply(self, {"error": str(error)}, 400, NOT_KEPT)
            except MessageError as error:
                refused = {"error": str(error), "reason": error.reason}
                return _reply(self, refused, 400, NOT_KEPT)
            except GridstressError as error:
                later = {**NOT_KEPT, "Retry-After": str(RETRY_S)}
                return _reply(self, {"error": str(error)}, 503, later)


def _view(question: Question, tag: Tag) -> Callable[[Any, Any], Awaitable[Any]]:
    async def view(self: Any, request: Any) -> Any:
        return _answer(self, request, tag, question)

    return view


def _answer(view: Any, request: Any, tag: Tag, question: Question) -> Any:
    names, ask = question
    try:
        check_query(request.query, names)
        now = tag(request.query)
        headers = {**CHECKED, "ETag": now} if now else CHECKED
        if now and request.headers.get("If-None-Match") == now:
            return _reply(view, None, 304, headers)
        return _reply(view, ask(request.query), 200, headers)
    except UnknownError as error:
        return _reply(view, {"error": str(error), "exists": error.exists}, 404)
    except UsageError as error:
        return _reply(view, {"error": str(error)}, 400)


def _reply(
    view: Any, answer: Mapping[str, Any] | None, status: int, headers: Mapping[str, str] = CHECKED
) -> Any:
    body = b"" if answer is None else msgspec.json.encode(answer)
    return view.bytes(
        body,
        content_type="application/json",
        status=status,
        headers={"X-Content-Type-Options": "nosniff", **headers},
    )


def check_query(query: Mapping[str, str], names: Collection[str]) -> None:
    """Refuse a parameter that would have no effect.

    Raises
    ------
    UsageError
        With those there are.
    """
    for name in query:
        if name not in names:
            known = f"there are {', '.join(names)}" if names else "there are none here"
            raise UsageError(f"no parameter {name[:40]!r}: {known}")


def _integer(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise UsageError(f"{name} must be an integer from 1 to {most}, got {text[:40]!r}")
    return int(text)


def _pair(query: Mapping[str, str]) -> list[str] | None:
    text = query.get("models")
    return None if text is None else [name.strip()[:40] for name in text.split(",", 3)]


def _since(query: Mapping[str, str]) -> float:
    text = query.get("since", "0")
    try:
        since = float(text)
    except ValueError:
        since = float("nan")
    if not 0 <= since < 1e12:
        raise UsageError(f"since must be epoch seconds, got {text[:40]!r}")
    return since


def _origin(query: Mapping[str, str]) -> tuple[str, bool | None]:
    check_query(query, ("source", "synthetic"))
    source, said = query.get("source", DEFAULT_SOURCE), query.get("synthetic")
    if not 1 <= len(source) <= MAX_SOURCE:
        raise UsageError(f"source must have 1 to {MAX_SOURCE} characters, got {len(source)}")
    if said not in (None, "true", "false"):
        raise UsageError(f"synthetic must be true or false, got {said[:40]!r}")
    return source, None if said is None else said == "true"
