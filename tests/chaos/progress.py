"""How far the workers are in a run, and when they got there, as they say it themselves."""

import asyncio
import time
from datetime import datetime
from typing import Self

import httpx

from tests.chaos.cluster import Cluster
from tests.chaos.worker import Part

POLL_S = 0.4
SHARDS = 4
FLOWING_S = 3.0
"""Within which a watermark moves that nothing holds up, the interval of publishing included."""


class Progress:
    """Follows a run while it is entered.

    Attributes
    ----------
    at
        By shard: when its newest state was published, and the event time it had then (epoch s).
    """

    def __init__(self, cluster: Cluster) -> None:
        self.at: dict[int, tuple[float, float]] = {}
        self._marks: dict[int, str | None] = {}
        self._since: dict[int, float] = {}
        self._stood_s = 0.0
        self._cluster = cluster
        self._run = ""
        self._span_s = (0.0, 1.0)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def follow(self, run: str, start_s: float, end_s: float) -> None:
        """Follow this run from now on; its rows reach from ``start_s`` to ``end_s``."""
        self._run, self._span_s, self.at, self._marks = run, (start_s, end_s), {}, {}
        self.watch()

    def watch(self) -> None:
        """Measure from now on how long watermarks stand still."""
        self._since, self._stood_s = dict.fromkeys(range(SHARDS), time.monotonic()), 0.0

    def flows(self) -> bool:
        """Whether the watermark of every shard that is not through has moved a moment ago."""
        here = time.monotonic()
        seen = all(self._marks.get(shard) for shard in self._since)
        return seen and all(here - since < FLOWING_S for since in self._since.values())

    def stood_s(self) -> float:
        """The longest that the watermark of a shard has stood still since `watch`, s.

        A shard's watermark is the least over its zones, so no zone has stood longer. As seen from
        outside: too long by up to `POLL_S` and the interval of publishing.
        """
        here = time.monotonic()
        return max([self._stood_s, *(here - since for since in self._since.values())])

    def share(self) -> float:
        """Share of the run that is worked off, 0 to 1."""
        start_s, end_s = self._span_s
        done = sum(min(time_s, end_s) - start_s for _, time_s in self.at.values())
        return done / (end_s - start_s) / SHARDS

    async def moved(self, shards: list[int], since: float) -> float | None:
        """Wait until all these shards apply frames again; the seconds since ``since`` (epoch s).

        None if they have nothing left to apply. What is published first afterwards may be what
        had been applied before, so it is the advance on that which counts: an upper bound, by up
        to twice the interval of publishing.
        """
        left, first, last = set(shards), dict[int, float](), None
        while left:
            for shard in sorted(left & self.at.keys()):
                published, time_s = self.at[shard]
                again = published > since and time_s > first.setdefault(shard, time_s)
                if again:
                    last = max(last or published, published)
                if again or time_s >= self._span_s[1]:
                    left.remove(shard)
            await asyncio.sleep(POLL_S / 4)
        return None if last is None else last - since

    def note(self, shard: int, part: Part, here: float) -> None:
        """Take in what a worker says of a shard at this moment (monotonic, s)."""
        if shard in self.at and part.published_at <= self.at[shard][0]:
            return
        self.at[shard] = (part.published_at, datetime.fromisoformat(part.event_time).timestamp())
        if shard in self._since and part.watermark != self._marks.get(shard):
            self._marks[shard] = part.watermark
            self._stood_s = max(self._stood_s, here - self._since[shard])
            self._since[shard] = here
        if self.at[shard][1] >= self._span_s[1]:
            self._since.pop(shard, None)  # it has nothing left to move for

    async def _follow(self) -> None:
        async with httpx.AsyncClient(timeout=2) as client:
            while True:
                run = self._run
                workers = [w for w in self._cluster.workers if w.running and run]
                answers = await asyncio.gather(*(w.parts(client, run) for w in workers))
                for parts in answers if run == self._run else ():
                    for shard, part in parts.items():
                        self.note(shard, part, time.monotonic())
                await asyncio.sleep(POLL_S)


def now() -> float:
    """Epoch seconds, as the workers put on what they publish."""
    return time.time()
