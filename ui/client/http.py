"""Client of the worker's API: typed answers, ETags, and failover over several workers.

Any worker with views, or view server, answers for the whole grid, so one is asked until it fails,
then the next. An answer that has not changed is the *same object* again: ``is`` tells whether there
is anything new.
"""

import logging
import ssl
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from topology.errors import GridstressError, UsageError
from ui.auth import authorization
from ui.client.refusals import (
    ApiError,
    NoViewsError,
    ServerError,
    UnknownNameError,
    WorkerGoneError,
    none_answered,
    reason_of,
    refuse,
    refuse_command,
)
from ui.schema.endpoints import PREFIX
from ui.schema.grid import GridInfo
from ui.schema.replays import Replay, Replays, Wanted
from ui.schema.runs import Episodes, Extremes, History, PastRuns, RunInfo, Runs
from ui.schema.system import Health, System
from ui.schema.views import Alerts, Compare, GridState, NodeDetail, Top

logger = logging.getLogger(__name__)

KEPT_ANSWERS = 256
COMMAND_S = 15.0
"""How long a command may take: its answer comes from the replay."""

Answer = TypeVar("Answer")
Params = Mapping[str, str | int | float | None]


def parse_urls(text: str | Sequence[str]) -> tuple[str, ...]:
    """Worker addresses from comma-separated text or a list, without trailing slashes.

    Raises
    ------
    UsageError
        If there is none, or one is not an http(s) address with a host.
    """
    parts = text.split(",") if isinstance(text, str) else text
    urls = tuple(dict.fromkeys(part.strip().rstrip("/") for part in parts if part.strip()))
    for url in urls:
        split = urlsplit(url)
        if split.scheme not in ("http", "https") or not split.hostname:
            raise UsageError(
                f"worker address {url!r} is not an http address",
                hint="write it like http://127.0.0.1:6066",
            )
    if not urls:
        raise UsageError("no worker address given", hint="set GRIDSTRESS_API_URLS or --workers")
    return urls


class ApiClient:
    """Asks the workers; may be used from several threads.

    Parameters
    ----------
    urls
        Workers, asked in this order; after a failure the next one is asked from then on.
    timeout_s
        How long one worker may take over one answer before the next is asked.
    token
        What the workers ask for; empty if they ask for none.

    Raises
    ------
    WorkerGoneError
        From every request: when no worker answered.
    UnknownNameError
        From every request: for a node, model or run that does not exist.
    ApiError
        From every request: when the worker refused it.
    """

    def __init__(
        self, urls: str | Sequence[str], *, timeout_s: float = 3.0, token: str = ""
    ) -> None:
        self.urls = parse_urls(urls)
        # Environment proxies are ignored: workers are on loopback or in the same network.
        self._http = httpx.Client(
            timeout=timeout_s, trust_env=False, headers=authorization(token), verify=_authorities()
        )
        self._first = 0
        self._kept: OrderedDict[str, tuple[str, Any]] = OrderedDict()
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def worker(self) -> str:
        """Address of the worker that is asked first now."""
        return self.urls[self._first]

    def grid(self) -> GridInfo:
        """The topology, the models' names and the settings behind the numbers."""
        return self._get("grid", GridInfo)

    def runs(self) -> list[RunInfo]:
        """The runs, the newest first."""
        return self._get("runs", Runs).runs

    def past_runs(self) -> list[RunInfo]:
        """The archived runs, the one written last first; none where there is no archive."""
        try:
            found = self._get("history/runs", PastRuns).runs
        except GridstressError as error:  # also of an older worker, which has no such address
            logger.debug("no archive: %s", error)
            return []
        return [
            RunInfo(
                run=past.run,
                event_time=past.ends,
                watermark=past.ends,
                ended=True,
                published_at=past.written_at,
                record=past.record,
                archived=True,
            )
            for past in found
        ]

    def state(
        self, model: str | None = None, run: str | None = None, *, at: str | None = None
    ) -> GridState:
        """Risk, stress and level of every node, and the figures of the whole grid.

        ``at``, here and below, is event time in ISO-8601: the answer as it was at the last final
        window up to then; without it, as it is.
        """
        return self._get("state", GridState, model=model, run=run, at=at)

    def top(
        self,
        model: str | None = None,
        run: str | None = None,
        k: int = 10,
        *,
        at: str | None = None,
    ) -> Top:
        """The ``k`` nodes (1 to 1000) with the highest risk."""
        return self._get("top", Top, model=model, run=run, k=k, at=at)

    def alerts(
        self,
        model: str | None = None,
        run: str | None = None,
        *,
        since: float | None = None,
        after: str | None = None,
        limit: int = 200,
        at: str | None = None,
    ) -> Alerts:
        """Alerts, newest first; ``since`` in wall-clock epoch seconds, ``limit`` 1 to 5000.

        ``after``: only those of windows that end later, event time in ISO-8601.
        """
        asked = {"since": since, "after": after, "limit": limit, "at": at}
        return self._get("alerts", Alerts, model=model, run=run, **asked)

    def node(
        self,
        node_id: str,
        model: str | None = None,
        run: str | None = None,
        *,
        at: str | None = None,
    ) -> NodeDetail:
        """One node: values, neighbours, recent windows, sources of its stress, alerts."""
        path = f"node/{quote(node_id, safe='')}"
        return self._get(path, NodeDetail, model=model, run=run, at=at)

    def compare(
        self,
        run: str | None = None,
        k: int = 10,
        models: Sequence[str] | None = None,
        *,
        beside: str | None = None,
        at: str | None = None,
    ) -> Compare:
        """Two models (by default the first) next to each other, with the overlap of their top k.

        ``beside``, here and below, is an archived run: then ``models`` are the run's and its.
        """
        given = {"models": _listed(models), "with": beside, "at": at}
        return self._get("compare", Compare, run=run, k=k, **given)

    def episodes(
        self,
        model: str | None = None,
        run: str | None = None,
        limit: int = 500,
        *,
        at: str | None = None,
    ) -> Episodes:
        """Alarm episodes, the one raised last first; without ``model`` those of all models.

        ``limit`` is 1 to 5000.
        """
        return self._get("episodes", Episodes, model=model, run=run, limit=limit, at=at)

    def history(
        self,
        run: str | None = None,
        models: Sequence[str] | None = None,
        *,
        beside: str | None = None,
        at: str | None = None,
    ) -> History:
        """How two models (by default the first) have agreed over the run so far."""
        given = {"models": _listed(models), "with": beside, "at": at}
        return self._get("compare/history", History, run=run, **given)

    def extremes(self, run: str, model: str, after: str | None = None) -> Extremes:
        """Highest risk and raised alarms of each window of a run, those after an end only."""
        return self._get("history/extremes", Extremes, run=run, model=model, after=after)

    def replays(self) -> list[Replay]:
        """The replays that follow commands; none known to an older worker."""
        try:
            return self._get("replays", Replays).replays
        except ApiError:
            return []

    def command(self, wanted: Wanted) -> Replay:
        """Command a replay, and give how it is once it has followed.

        It is sent once: only a worker that cannot be reached, or has no views, leaves it to the
        next one.
        """
        failures: dict[str, Exception] = {}
        for turn in range(len(self.urls)):
            url = self.urls[(self._first + turn) % len(self.urls)]
            try:
                response = self._http.post(
                    f"{url}{PREFIX}/replays/command",
                    content=msgspec.json.encode(wanted),
                    headers={"Content-Type": "application/json"},
                    timeout=COMMAND_S,
                )
                if response.status_code != httpx.codes.OK:
                    refuse_command(response)
                return msgspec.json.decode(response.content, type=Replay)
            except (httpx.ConnectError, NoViewsError) as error:
                failures[url] = error
            except (httpx.HTTPError, msgspec.DecodeError) as error:
                raise WorkerGoneError(
                    f"{url} has not said what came of it: {reason_of(error)}"
                ) from None
        raise none_answered(failures)

    def system(self) -> System:
        """How every worker is, and the settings in force."""
        return self._get("system", System)

    def health(self) -> Health:
        """How the worker is; a worker that says it is not ready is an answer, not an error."""
        return self._get("health", Health)

    def _get(self, path: str, kind: type[Answer], **params: str | int | float | None) -> Answer:
        failures: dict[str, Exception] = {}
        unknown: UnknownNameError | None = None
        for turn in range(len(self.urls)):
            position = (self._first + turn) % len(self.urls)
            url = self.urls[position]
            try:
                answer = self._ask(url, path, kind, params)
            except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, ServerError) as error:
                failures[url] = error
                continue
            except UnknownNameError as error:
                if not params.get("run") and kind is not PastRuns:
                    raise
                unknown = error  # another worker may have an archive that has the run
                continue
            self._first = position
            return answer
        if unknown is not None:
            raise unknown
        raise none_answered(failures)

    def _ask(self, url: str, path: str, kind: type[Answer], params: Params) -> Answer:
        given = {name: value for name, value in params.items() if value is not None}
        request = self._http.build_request("GET", f"{url}{PREFIX}/{path}", params=given)
        # The key holds the worker too: two workers may use one tag for different contents.
        key = str(request.url)
        with self._lock:
            kept = self._kept.get(key)
        if kept:
            request.headers["If-None-Match"] = kept[0]
        response = self._http.send(request)
        if response.status_code == httpx.codes.NOT_MODIFIED and kept:
            self._keep(key, kept)
            found: Answer = kept[1]
            return found
        if response.status_code != httpx.codes.OK and not (
            kind is Health and response.status_code == httpx.codes.SERVICE_UNAVAILABLE
        ):
            refuse(response)
        answer = msgspec.json.decode(response.content, type=kind)
        if tag := response.headers.get("ETag"):
            self._keep(key, (tag, answer))
        return answer

    def _keep(self, key: str, entry: tuple[str, Any]) -> None:
        with self._lock:
            self._kept[key] = entry
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)


@cache
def _authorities() -> ssl.SSLContext:
    """The certificate authorities, read once: all clients share them."""
    return httpx.create_ssl_context(trust_env=False)


def _listed(models: Sequence[str] | None) -> str | None:
    return None if models is None else ",".join(models)
