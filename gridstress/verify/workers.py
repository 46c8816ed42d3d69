"""Ask the workers for their progress and their open windows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple, Self

import httpx

from gridstress.verify.compare_windows import OpenWindow, OpenWindows
from gridstress.verify.recompute import Recomputed
from topology.clock import from_iso, to_iso
from topology.errors import DataError, GridstressError
from ui.auth import authorization
from ui.client.http import parse_urls
from ui.client.refusals import NoViewsError, check_views, reason_of

ANSWER_S = 10.0
POLL_S = 0.5
STILL_S = 2.0
"""How long nothing moves before the workers' positions are looked up; at least two views long."""


class Reached(NamedTuple):
    """How far a shard is: the last row counted of each zone, the last window end closed."""

    applied: Mapping[str, int]
    closed_until_s: float | None


class WorkerApi:
    """The API of the first worker that has views, open within ``async with``.

    ``urls`` are workers or view servers, ``http://host:port`` with commas; when one cannot be
    reached, or has no views, the next is asked. If none answers, that raises `GridstressError`, an
    answer of another shape `DataError`.
    """

    def __init__(self, urls: str, token: str = "") -> None:
        self.urls = parse_urls(urls)
        self._first = 0
        # No proxy of the environment: it would be shown the token.
        self._client = httpx.AsyncClient(
            timeout=ANSWER_S, headers=authorization(token), trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    @property
    def url(self) -> str:
        """The worker that is asked first now."""
        return self.urls[self._first]

    async def get(self, path: str, **params: str) -> dict[str, Any] | None:
        """Fetch the answer, or None where the worker does not know the run (yet)."""
        failures, way_on = [], "Start one, name another"
        for turn in range(len(self.urls)):
            position = (self._first + turn) % len(self.urls)
            url = self.urls[position]
            try:
                answer = await self._client.get(f"{url}/api/v1/{path}", params=params)
                check_views(answer)
            except httpx.HTTPError as error:
                failures.append(f"no worker answers at {url}: {reason_of(error)}")
            except NoViewsError as error:
                failures.append(f"{url}: {error}")
                way_on = "Name a view server in GRIDSTRESS_API_URLS or"
            else:
                self._first = position
                return self._content(answer)
        raise GridstressError(
            "; ".join(failures),
            hint=f"{way_on} with --api, or leave the open windows out with --no-open.",
        )

    def _content(self, answer: httpx.Response) -> dict[str, Any] | None:
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code not in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE):
            raise GridstressError(
                f"{answer.url} answered {answer.status_code}: {answer.text[:200]}"
            )
        try:
            content: dict[str, Any] = answer.json()
        except ValueError:
            raise DataError(f"{answer.url} did not answer with JSON") from None
        return content

    async def why_silent(self) -> str:
        """Why no worker tells of its views, in words; empty if one does."""
        try:
            await self.get("runs")
        except GridstressError as error:
            return str(error)
        return ""

    async def idle_zones(self) -> list[str]:
        """Zones that have met the idle time-out at this worker."""
        health = await self.get("health") or {}
        return [str(zone) for zone in health.get("idle_zones", [])]

    async def progress(self, model: str, run: str) -> dict[int, Reached]:
        """Ask how far each shard has come with a run."""
        state = await self.get("state", model=model, run=run) or {}
        return {
            int(part["shard"]): Reached(part.get("applied", {}), _moment(part.get("closed_until")))
            for part in state.get("parts", [])
        }

    async def open_windows(self, model: str, run: str) -> OpenWindows:
        """Fetch the windows of a run that have data and are not final; of a dropped run none."""
        content = await self.get("windows/open", model=model, run=run)
        if content is None:
            return OpenWindows([], -inf)
        try:
            windows = [
                OpenWindow(
                    from_iso(w["window_start"]),
                    from_iso(w["window_end"]),
                    w["nodes"],
                    w["stress"],
                    w["risk"],
                )
                for w in content["windows"]
            ]
            until_s = _moment(content.get("complete_until"))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{self.url}: windows/open is not as expected: {error!r}") from None
        return OpenWindows(windows, inf if until_s is None else until_s)


def _moment(text: str | None) -> float | None:
    return None if text is None else from_iso(text)


def _missing(expected: Recomputed, model: str, parts: Mapping[int, Reached]) -> Iterator[str]:
    """Say what a model's shards have not done yet, each in words."""
    last_end_s = expected.ends_s[expected.closed - 1] if expected.closed else -inf
    for shard in range(expected.settings.partitions):
        applied, closed_s = parts.get(shard, Reached({}, None))
        behind = [z for z in expected.intake.zones.values() if applied.get(z.zone, -1) < z.last_seq]
        if behind:
            zone = behind[0]
            at = f"row {applied[zone.zone]}" if zone.zone in applied else "nothing"
            yield f"{model} shard {shard} at {at} of {zone.last_seq} of zone {zone.zone}"
        elif (-inf if closed_s is None else closed_s) < last_end_s:
            until = "none" if closed_s is None else f"those until {to_iso(closed_s)}"
            yield f"{model} shard {shard} has closed {until} of the windows until " + to_iso(
                last_end_s
            )


async def drain(
    api: WorkerApi,
    expected: Recomputed,
    *,
    patience_s: float,
    is_caught_up: Callable[[], Awaitable[bool]],
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Wait until every shard of every model has done all that follows from the measurements.

    Parameters
    ----------
    api
        A worker.
    expected
        What was recomputed: gives the last row of each zone, and the last window to be closed.
    patience_s
        How long to go on without any progress.
    is_caught_up
        Asked while there is none: whether the workers have finished what lay there.
    say
        Is given what is being waited for, whenever that changes.

    Returns
    -------
    list
        What is missing although they have caught up, in words; empty if all is there.

    Raises
    ------
    GridstressError
        If nothing moved for so long: names the shards that are behind.
    """
    loop = asyncio.get_running_loop()
    still_s = max(STILL_S, 2 * expected.settings.view_interval_s)
    deadline = ask_at = loop.time()
    before, quiet = None, False
    while True:
        progress = {model: await api.progress(model, expected.run) for model in expected.models}
        missing = [text for m, parts in progress.items() for text in _missing(expected, m, parts)]
        if not missing:
            return []
        if progress != before:
            deadline, before, quiet = loop.time() + patience_s, progress, False
            ask_at = min(loop.time() + still_s, deadline)
            say(f"waiting for {len(missing)} parts: {first_of(missing)}")
        elif loop.time() > ask_at:
            # What is published lies a moment behind: it counts if it is still so the next time.
            before_too, quiet = quiet, await is_caught_up()
            if quiet and before_too:
                return missing
            if not quiet and loop.time() > deadline:
                raise GridstressError(
                    f"run {expected.run} did not get on for {patience_s:g} s: {first_of(missing)}",
                    hint="Is a worker running, does it read this broker, and is the run still "
                    "being sent? See `gridstress doctor` or its log.",
                )
            ask_at = min(loop.time() + still_s, max(deadline, loop.time()))
        await asyncio.sleep(POLL_S)


def first_of(texts: Iterable[str], most: int = 3) -> str:
    """Join the first of some texts."""
    listed = list(texts)
    return ", ".join(listed[:most]) + (" ..." if len(listed) > most else "")
