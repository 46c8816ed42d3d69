"""Publish the state of a worker's shards, so that every worker can show the whole grid."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.outbox import Topic
from agents.risk_stage import RiskStage
from tables.shard_view import view_of
from tables.view_epoch import ViewEpoch


@dataclass
class ViewPublisher:
    """Sends a view of each run and shard that has changed, and all of them after a rebalance."""

    stages: Collection[RiskStage]
    topic: Topic
    worker: Callable[[], str]
    owned: Callable[[str], Collection[int]]
    """Shards of a model that this worker owns now."""
    generation: Callable[[], int]
    """Changes whenever partitions are assigned anew."""
    epoch: Callable[[str, int], ViewEpoch | None]
    """The epoch in which this worker owns a model's shard; None if it has not taken it over."""
    shown: Callable[[str, int, str], Collection[str]]
    """Runs of which there is a view of a model's shard, by any worker of the group that has this
    changelog."""
    ended_runs: Collection[str] = ()
    """Runs that were made under other settings: their views stay as they were."""
    _generation: int | None = None

    async def publish(self) -> None:
        """Send what is new; returns once the broker has it."""
        sent: list[Awaitable[Any]] = []
        generation = self.generation()
        anew = generation != self._generation
        for stage in self.stages:
            name = stage.model.name
            owned = set(self.owned(name))
            if anew:
                for shard in owned:
                    stage.changed.add(shard, *stage.table.index(shard).runs)
            for shard, runs in stage.changed.take(owned).items():
                if epoch := self.epoch(name, shard):
                    await self._send_views(sent, stage, shard, runs, epoch)
                    await self._send_tombstones(sent, stage, shard, epoch)
        self._generation = generation
        await asyncio.gather(*sent)

    async def _send_views(
        self,
        sent: list[Awaitable[Any]],
        stage: RiskStage,
        shard: int,
        runs: Sequence[str],
        epoch: ViewEpoch,
    ) -> None:
        for run in runs:
            state = stage.table.state(run, shard)
            if state is None or run in self.ended_runs:
                continue
            view = view_of(
                stage.table,
                state,
                stage.model.spec,
                model=stage.model.name,
                run=run,
                shard=shard,
                shard_size=len(stage.model.shards[shard]),
                zones=stage.model.grid.zones,
                idle=stage.idle.of(shard, run),
                worker=self.worker(),
                published_at=time.time(),
            )
            key = (stage.model.name, run, shard)
            await self._send(sent, key, msgspec.json.encode(view), epoch)

    async def _send_tombstones(
        self, sent: list[Awaitable[Any]], stage: RiskStage, shard: int, epoch: ViewEpoch
    ) -> None:
        """Remove the views of runs that the shard does not know any more.

        By what is shown, not by what was dropped just now: a crash may come in between.
        """
        name = stage.model.name
        known = {*stage.table.index(shard).runs, *self.ended_runs}
        for run in sorted(set(self.shown(name, shard, epoch.changelog)) - known):
            await self._send(sent, (name, run, shard), None, epoch)

    async def _send(
        self,
        sent: list[Awaitable[Any]],
        key: tuple[str, str, int],
        value: bytes | None,
        epoch: ViewEpoch,
    ) -> None:
        raw_key, headers = msgspec.json.encode(key), [epoch.header]
        sent.append(await self.topic.send(key=raw_key, value=value, headers=headers))
