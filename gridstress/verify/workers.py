"""Ask the workers how far they are, and for the windows they still hold open."""

import asyncio
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

import httpx

from gridstress.verify.compare_windows import OpenWindow, OpenWindows
from gridstress.verify.recompute import Recomputed
from topology.clock import from_iso, to_iso
from topology.errors import DataError, GridstressError

POLL_S = 0.5


class WorkerApi:
    """A worker's API at ``url`` (``http://host:port``).

    A worker that cannot be reached raises `GridstressError`, an answer of another shape
    `DataError`.
    """

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = client

    async def get(self, path: str, **params: str) -> dict[str, Any] | None:
        """Fetch the answer, or None where the worker does not know the run (yet)."""
        try:
            answer = await self._client.get(f"{self.url}/api/v1/{path}", params=params)
        except httpx.HTTPError as error:
            raise GridstressError(
                f"no worker answers at {self.url}: {error or type(error).__name__}",
                hint="Start one, name another with --api, or leave the open windows out "
                "with --no-open.",
            ) from None
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

    async def answers(self) -> bool:
        """Whether a worker is there at all."""
        try:
            await self.get("health")
        except GridstressError:
            return False
        return True

    async def silent_zones(self) -> list[str]:
        """Zones that have met the idle time-out at this worker."""
        health = await self.get("health") or {}
        return [str(zone) for zone in health.get("silent_zones", [])]

    async def progress(self, model: str, run: str) -> dict[int, tuple[float | None, float | None]]:
        """Watermark and newest event time (epoch seconds) that each shard has reached."""
        state = await self.get("state", model=model, run=run) or {}
        return {
            int(part["shard"]): (_moment(part.get("watermark")), _moment(part.get("event_time")))
            for part in state.get("parts", [])
        }

    async def open_windows(self, model: str, run: str) -> OpenWindows:
        """Fetch the windows of a run that have data and are not final."""
        content = await self.get("windows/open", model=model, run=run) or {"windows": []}
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


Progress = dict[str, dict[int, tuple[float | None, float | None]]]


def _missing(expected: Recomputed, progress: Progress) -> list[str]:
    """Say what is not there yet, in words."""
    due, missing = expected.watermark_s, []
    for model, parts in progress.items():
        for shard in range(expected.settings.partitions):
            watermark, newest = parts.get(shard, (None, None))
            if due is None:
                done = newest is not None and newest >= expected.intake.newest_s
            else:
                done = watermark is not None and watermark >= due
            if not done:
                at = "nothing" if watermark is None else to_iso(watermark)
                missing.append(f"{model} shard {shard} at {at}")
    return missing


async def drain(
    api: WorkerApi,
    expected: Recomputed,
    *,
    patience_s: float,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Wait until every shard of every model has caught up with the measurements.

    Parameters
    ----------
    api
        A worker.
    expected
        What was recomputed; gives the watermark to be reached.
    patience_s
        How long to go on without any progress.
    say
        Is told what is being waited for, whenever that changes.

    Raises
    ------
    GridstressError
        If nothing moved for so long: names the shards that are behind.
    """
    loop = asyncio.get_running_loop()
    deadline, before = loop.time() + patience_s, None
    while True:
        progress = {model: await api.progress(model, expected.run) for model in expected.models}
        missing = _missing(expected, progress)
        if not missing:
            return
        if progress != before:
            deadline, before = loop.time() + patience_s, progress
            say(f"waiting for {len(missing)} parts: {_first(missing)}")
        elif loop.time() > deadline:
            due = expected.watermark_s
            raise GridstressError(
                f"run {expected.run} did not get on for {patience_s:g} s: "
                f"{'newest row' if due is None else to_iso(due)} is due, {_first(missing)}",
                hint="Is a worker running, and does it read this broker? See `gridstress doctor` "
                "or its log.",
            )
        await asyncio.sleep(POLL_S)


def _first(texts: Iterable[str], most: int = 3) -> str:
    listed = list(texts)
    return ", ".join(listed[:most]) + (" ..." if len(listed) > most else "")
