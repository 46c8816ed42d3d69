"""The API's routes: addresses, parameters and ETags."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from faust.web.views import View

from topology.clock import from_iso
from topology.errors import DataError, GridstressError, MessageError, UsageError
from topology.messages import RESULT_TIMES
from ui.api import beside
from ui.api.answers import ApiQueries
from ui.api.extremes import extremes_of, kept_extremes, with_archived
from ui.api.older import lacking, with_older
from ui.api.read_model import UnknownError
from ui.api.replays import shown
from ui.api.replies import CHECKED, NOT_KEPT, reply
from ui.schema.endpoints import (
    ALERT_LIMIT,
    COMMANDED,
    DESCRIPTION,
    ENDPOINTS,
    EPISODE_LIMIT,
    MAX_SOURCE,
    NODE_COUNT,
    POSTED,
    PREFIX,
    SINCE_END,
    SOURCE,
    SYNTHETIC,
    Parameter,
)
from ui.schema.openapi import document
from ui.schema.replays import Replay, Replays
from ui.schema.runs import PastRuns
from ui.schema.system import Refused, Taken
from ui.schema.views import NodeDetail

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Query = Mapping[str, str]
Ask = Callable[[ApiQueries, Query], msgspec.Struct]
Take = Callable[[bytes, str, bool | None], Awaitable[Taken]]
"""Takes a body, its source and whether it is synthetic, and says what was taken.

A MessageError is the sender's fault, any other is not.
"""

Obey = Callable[[bytes, str], Awaitable[Replay]]
"""Follows a command, given its sender; errors as of `Take`, and a UsageError if it is refused."""

RETRY_S = 1
"""Seconds in ``Retry-After`` when measurements cannot be taken now."""

DEFAULT_SOURCE = "http"


_readers = ThreadPoolExecutor(2, "gridstress-past")

LIVE_ASKS: Mapping[str, Ask] = {
    "/grid": lambda a, q: a.overview(),
    "/runs": lambda a, q: a.runs(),
    "/state": lambda a, q: a.state(q.get("model"), q.get("run")),
    "/top": lambda a, q: a.top(q.get("model"), q.get("run"), _integer(q, NODE_COUNT)),
    "/alerts": lambda a, q: a.alerts(
        q.get("model"), q.get("run"), _since(q), _integer(q, ALERT_LIMIT), _time(q, "after")
    ),
    "/node/{node_id}": lambda a, q: a.node(q["node_id"], q.get("model"), q.get("run")),
    "/compare": lambda a, q: a.compare(q.get("run"), _integer(q, NODE_COUNT), _pair(q)),
    "/compare/history": lambda a, q: a.history(q.get("run"), _pair(q)),
    "/episodes": lambda a, q: a.episodes(q.get("model"), q.get("run"), _integer(q, EPISODE_LIMIT)),
    "/windows/open": lambda a, q: a.open_windows(q.get("model"), q.get("run")),
    "/replays": lambda a, q: Replays(list(map(shown, a.store.replays.there()))),
    "/system": lambda a, q: a.system(a.store.clock.now()),
}
PAST_ASKS: Mapping[str, Ask] = {
    "/history/runs": lambda a, q: PastRuns(a.archive().runs()),
    "/history/moment": lambda a, q: _as_of(a, q).state(q.get("model"), q["run"]),
    "/history/node/{node_id}": lambda a, q: _as_of(a, q).node(
        q["node_id"], q.get("model"), q["run"]
    ),
    "/history/alerts": lambda a, q: _as_of(a, q).alerts(
        q.get("model"), q["run"], 0.0, _integer(q, ALERT_LIMIT)
    ),
}

LONG_ASKS = ("/episodes", "/node/{node_id}", "/compare/history")
"""Of a moment these look into a week of windows or pair all alerts: not while others wait."""
EXTREMES = "/history/extremes"


def register_views(app: Any, answers: ApiQueries, version: str = "") -> None:
    """Add the API to a Faust app that has not started; ``version`` is ours, for OpenAPI."""
    boot = sha256(str(time.time_ns()).encode()).hexdigest()[:8]

    def tag(path: str, query: Query) -> str | None:
        run = query.get("run")
        of_past = path in PAST_ASKS or answers.is_past(run)
        # Every answer compares some more of a run: while there is more to come, none is the last.
        unfinished = path == "/compare/history" and (of_past or answers.to_compare(run))
        if "with" in query or unfinished or not ENDPOINTS[path].tagged:
            return None
        version = "" if of_past else str(answers.store.version)
        return f'"{boot}-{version}-{answers.past_state(run)}"'

    def add(path: str) -> None:
        @app.page(PREFIX + path)  # type: ignore[untyped-decorator]
        async def view(self: Any, request: Any, node_id: str = "") -> Any:
            return await _answer(self, request, path, node_id, answers, tag)

    for path in (*LIVE_ASKS, *PAST_ASKS, EXTREMES):
        add(path)

    @app.page(PREFIX + DESCRIPTION)  # type: ignore[untyped-decorator]
    async def openapi(self: Any, request: Any) -> Any:
        """The API's own description."""
        return reply(self, document(version), 200)


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
                return reply(self, answer, 200, NOT_KEPT)
            except UsageError as error:
                return reply(self, Refused(str(error)), 400, NOT_KEPT)
            except MessageError as error:
                return reply(self, Refused(str(error), reason=error.reason), 400, NOT_KEPT)
            except GridstressError as error:
                later = {**NOT_KEPT, "Retry-After": str(RETRY_S)}
                return reply(self, Refused(str(error)), 503, later)


def register_commands(app: Any, obey: Obey, *, has_token: bool) -> None:
    """Add ``POST /api/v1/replays/command`` to a Faust app that has not started."""

    @app.page(COMMANDED)
    class Commands(View):
        """Takes commands to replays."""

        async def post(self, request: Any, **kwargs: Any) -> Any:
            """Answer once the replay has followed it."""
            try:
                by = "token" if has_token else "local"
                answer = await obey(await request.read(), by)
                return reply(self, answer, 200, NOT_KEPT)
            except (UsageError, MessageError) as error:
                return reply(self, Refused(str(error)), 400, NOT_KEPT)
            except GridstressError as error:
                return reply(self, Refused(str(error)), 503, NOT_KEPT)


async def _answer(
    view: Any,
    request: Any,
    path: str,
    node_id: str,
    answers: ApiQueries,
    tag: Callable[[str, Query], str | None],
) -> Any:
    query: Query = {**request.query, "node_id": node_id} if node_id else request.query
    try:
        _check_query(request.query, ENDPOINTS[path].names)
        now = tag(path, query)
        headers = {**CHECKED, "ETag": now} if now else CHECKED
        if now and request.headers.get("If-None-Match") == now:
            return reply(view, None, 304, headers)
        if "with" in query:
            found = await ask_beside(path, answers, query)
        elif path == EXTREMES:
            found = await ask_extremes(answers, query)
        elif path in PAST_ASKS or answers.is_past(query.get("run")):
            found = await _in_thread(_ask_past, path, answers, query)
        elif "at" in query:
            found = await ask_moment(path, answers, query)
        else:
            found = LIVE_ASKS[path](answers, query)
            if run := lacking(answers, found):
                older = await _in_thread(_ask_older, path, answers, {**query, "run": run})
                found = with_older(found, older)
        return reply(view, found, 200, headers)
    except UnknownError as error:
        return reply(view, Refused(str(error), exists=error.exists), 404)
    except DataError as error:
        return reply(view, Refused(str(error)), 404)
    except UsageError as error:
        return reply(view, Refused(str(error)), 400)


async def _in_thread(ask: Callable[..., Answer], *given: Any) -> Answer:
    """Ask what reads files: the worker goes on meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_readers, ask, *given)


async def ask_moment(path: str, answers: ApiQueries, query: Query) -> msgspec.Struct:
    """Answer of a moment of a live run: from what is kept of it, else from the archive."""
    at_s, model = _time(query, "at"), query.get("model")
    _, run = answers.which(model, query.get("run"))
    query = {**query, "run": run or ""}
    archived = answers.past is not None and answers.past.has(query["run"])
    try:
        then = answers.at(run, at_s or 0.0, model)
        if path == "/compare/history":
            then.store.agreement(run or "")  # not for threads
        if path in LONG_ASKS:
            found = await _in_thread(LIVE_ASKS[path], then, query)
        else:
            found = LIVE_ASKS[path](then, query)
    except LookupError:
        if not archived:
            raise UsageError(f"run {run} is not kept as far back as {query['at']}") from None
        return await _in_thread(_ask_past, path, answers, query)
    if archived and isinstance(found, NodeDetail):
        # The views seldom have a node's whole week before a moment, or what pushed it then.
        older = await _in_thread(_ask_past, path, answers, query)
        if isinstance(older, NodeDetail) and older.event_time == found.event_time:
            return older
    return found


async def ask_beside(path: str, answers: ApiQueries, query: Query) -> msgspec.Struct:
    """Answer about two runs: the second, and the history of both, come from the archive."""
    run, at_s = query.get("run"), _time(query, "at")
    if not answers.is_past(run):
        _, run = answers.which(None, run)
    archive = answers.archive()
    given = run, query["with"], _pair(query)
    sides = await _in_thread(archive.ask, lambda: beside.sides_of(answers, *given))
    if path == "/compare/history":
        return await _in_thread(archive.ask, lambda: beside.history(answers, sides, at_s))
    k, first = _integer(query, NODE_COUNT), beside.kept_side(answers, sides, at_s)
    return await _in_thread(archive.ask, lambda: beside.compare(answers, sides, first, at_s, k))


async def ask_extremes(answers: ApiQueries, query: Query) -> msgspec.Struct:
    """Answer ``/history/extremes``: from what is kept of a run, and from the archive."""
    run, after_s = _past_run(query), _time(query, "after")
    model = query.get("model") or next(iter(answers.influence))
    past = answers.past
    answers.which(model, None if past is not None and past.has(run) else run)
    found, whole = kept_extremes(answers, run, model, after_s)
    if past is None or whole or not past.has(run):
        return extremes_of(run, model, found)
    return await _in_thread(with_archived, past, run, model, after_s, found)


def _ask_past(path: str, answers: ApiQueries, query: Query) -> msgspec.Struct:
    def question() -> msgspec.Struct:
        if path in PAST_ASKS:
            return PAST_ASKS[path](answers, query)
        return LIVE_ASKS[path](
            answers.as_of(query["run"], _time(query, "at"), query.get("model")), query
        )

    return answers.archive().ask(question)


def _ask_older(path: str, answers: ApiQueries, query: Query) -> msgspec.Struct | None:
    """What the archive has of a run that is live; None if it is not that run, or not readable."""
    run = query["run"]

    def question() -> msgspec.Struct | None:
        past = answers.as_of(run)
        live, kept = answers.store.records.get(run), past.store.records.get(run)
        same = live is not None and kept is not None and live.began == kept.began
        return LIVE_ASKS[path](past, query) if same else None

    try:
        return answers.archive().ask(question)
    except DataError as error:
        log.warning("the archive adds nothing to run %s: %s", run, error)
        return None


def _check_query(query: Query, names: Collection[str]) -> None:
    """Refuse a parameter that would have no effect."""
    for name in query:
        if name not in names:
            known = f"there are {', '.join(names)}" if names else "there are none here"
            raise UsageError(f"no parameter {name[:40]!r}: {known}")


def _past_run(query: Query) -> str:
    if "run" not in query:
        raise UsageError("run is missing: /history/runs has those there are")
    return query["run"]


def _as_of(answers: ApiQueries, query: Query) -> ApiQueries:
    model = query.get("model") or next(iter(answers.influence))
    return answers.as_of(_past_run(query), _time(query, "at"), model)


def _time(query: Query, name: str) -> float | None:
    text = query.get(name)
    return None if text is None else event_time(name, text)


def event_time(name: str, text: str) -> float:
    """The event time that a request names, epoch seconds; one that no run can have is the nearest.

    Raises
    ------
    UsageError
        If it is no time.
    """
    try:
        at_s = from_iso(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{name} must be a time like 2025-01-31T18:00Z, got {text!r:.40}"
        ) from None
    earliest_s, latest_s = (moment.timestamp() for moment in RESULT_TIMES)
    return min(max(at_s, earliest_s), latest_s)


def _integer(query: Query, parameter: Parameter) -> int:
    text = query.get(parameter.name, str(parameter.default))
    most = parameter.most or 0
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise UsageError(f"{parameter.name} must be an integer from 1 to {most}, got {text[:40]!r}")
    return int(text)


def _pair(query: Query) -> list[str] | None:
    text = query.get("models")
    return None if text is None else [name.strip()[:40] for name in text.split(",", 3)]


def _since(query: Query) -> float:
    text = query.get("since", "0")
    try:
        since = float(text)
    except ValueError:
        since = float("nan")
    if not 0 <= since < SINCE_END:
        raise UsageError(f"since must be epoch seconds, got {text[:40]!r}")
    return since


def _origin(query: Query) -> tuple[str, bool | None]:
    _check_query(query, (SOURCE.name, SYNTHETIC.name))
    source, given = query.get("source", DEFAULT_SOURCE), query.get("synthetic")
    if not 1 <= len(source) <= MAX_SOURCE:
        raise UsageError(f"source must have 1 to {MAX_SOURCE} characters, got {len(source)}")
    if given not in (None, "true", "false"):
        raise UsageError(f"synthetic must be true or false, got {given[:40]!r}")
    return source, None if given is None else given == "true"
