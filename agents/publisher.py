"""Publishes what a worker's shards know, so that every worker can show the whole grid."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents.outbox import Topic
from agents.stages import RiskStage
from tables.shard_view import view_of
from tables.view_epoch import ViewEpoch


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
    epoch: Callable[[str, int], ViewEpoch | None]
    """The epoch in which this worker owns a model's shard; None if it has not taken it over."""
    ended_runs: Collection[str] = ()
    """Runs that were made under other settings: their views stay as they were."""
    _generation: int | None = None
    _epochs: dict[tuple[str, int], ViewEpoch] = field(default_factory=dict)
    """The last epoch of each model's shard: a tombstone may be sent when the shard is lost."""

    async def publish(self) -> None:
        """Send what is new; returns once the broker has it."""
        sent: list[Awaitable[Any]] = []
        generation = self.generation()
        anew = generation != self._generation
        for stage in self.stages:
            name, spec = stage.model.name, stage.model.spec
            owned = set(self.owned(name))
            if anew:
                stage.dirty |= {(s, run) for s in owned for run in stage.table.index(s).runs}
            changed, stage.dirty = stage.dirty, set()
            for shard, run in sorted(changed):
                if run in self.ended_runs:
                    continue
                epoch = self.epoch(name, shard) if shard in owned else None
                state = stage.table.state(run, shard) if epoch else None
                if state is None or epoch is None:
                    continue
                self._epochs[name, shard] = epoch
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
                await self._send(sent, (name, run, shard), msgspec.json.encode(view), epoch)
            forgotten, stage.forgotten = stage.forgotten, set()
            for shard, run in sorted(forgotten):
                if shard in owned and stage.table.state(run, shard) is not None:
                    continue  # begun again meanwhile
                last = self.epoch(name, shard) or self._epochs.get((name, shard))
                if last is not None:  # else this worker has published no view of it
                    await self._send(sent, (name, run, shard), None, last)
        self._generation = generation
        await asyncio.gather(*sent)

    async def _send(
        self,
        sent: list[Awaitable[Any]],
        key: tuple[str, str, int],
        value: bytes | None,
        epoch: ViewEpoch,
    ) -> None:
        raw_key, headers = msgspec.json.encode(key), [epoch.header]
        sent.append(await self.topic.send(key=raw_key, value=value, headers=headers))
