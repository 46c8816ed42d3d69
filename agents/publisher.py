"""Publishes what a worker's shards know, so that every worker can show the whole grid."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.outbox import Topic
from agents.stages import RiskStage
from tables.shard_view import view_of


@dataclass
class Publisher:
    """Sends a view of each run and shard that has changed, and all of them after a rebalance."""

    stages: Collection[RiskStage]
    topic: Topic
    worker: Callable[[], str]
    owned: Callable[[str], Collection[int]]
    """Shards of a model that this worker owns now."""
    generation: Callable[[], int]
    """Changes whenever partitions are assigned anew."""
    ended_runs: Collection[str] = ()
    """Runs that were made under other settings: their views stay as they were."""
    _generation: int | None = None

    async def publish(self) -> None:
        """Send what is new; returns once the broker has it."""
        sent: list[Awaitable[Any]] = []
        generation = self.generation()
        anew = generation != self._generation
        for stage in self.stages:
            name, spec = stage.model.name, stage.model.spec
            owned = set(self.owned(name))
            if anew:
                stage.dirty |= {(s, run) for s in owned for run in stage.table.runs(s)}
            changed, stage.dirty = stage.dirty, set()
            for shard, run in sorted(changed):
                if run in self.ended_runs:
                    continue
                state = stage.table.state(run, shard) if shard in owned else None
                if state is None:
                    continue
                view = view_of(
                    stage.table,
                    state,
                    spec,
                    model=name,
                    run=run,
                    shard=shard,
                    shard_size=len(stage.model.shards[shard]),
                    zones=stage.model.grid.zones,
                    silent=stage.silent.get((shard, run), ()),
                    worker=self.worker(),
                    published_at=time.time(),
                )
                await self._send(sent, (name, run, shard), msgspec.json.encode(view))
            forgotten, stage.forgotten = stage.forgotten, set()
            for shard, run in sorted(forgotten):
                await self._send(sent, (name, run, shard), None)
        self._generation = generation
        await asyncio.gather(*sent)

    async def _send(
        self, sent: list[Awaitable[Any]], key: tuple[str, str, int], value: bytes | None
    ) -> None:
        sent.append(await self.topic.send(key=msgspec.json.encode(key), value=value))
