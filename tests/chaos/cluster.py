"""Apache Kafka on disk, and workers that each reach it through a proxy of their own."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from gridstress.local import processes
from gridstress.local.apache import Detour
from tests.chaos.broker import Broker, brokers
from tests.chaos.proxy import Proxy, Ways
from tests.chaos.schedule import MAX_WORKERS
from tests.chaos.worker import Worker, until

CHECKOUT = Path(__file__).parents[2]
READY_S = 240.0


class Partition(NamedTuple):
    """Numbers of the brokers that lead a partition (-1: none), have it, and have all of it."""

    leader: int
    copies: list[int]
    in_sync: list[int]


@dataclass
class Cluster:
    """One broker or three, and up to ``MAX_WORKERS`` workers; all of them end with the block.

    With three brokers every topic has three copies.
    """

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    size: int = 1
    workers: list[Worker] = field(default_factory=list)
    brokers: list[Broker] = field(default_factory=list)
    _proxies: list[Proxy] = field(default_factory=list)

    @property
    def bootstrap(self) -> str:
        """The way that no proxy stands in."""
        return ",".join(broker.address for broker in self.brokers)

    @property
    def wanted(self) -> list[Worker]:
        """Workers that shall run now."""
        return [worker for worker in self.workers if worker.wanted]

    @property
    def settled(self) -> bool:
        """Whether all that shall run are well and share all shards."""
        shards = sorted(shard for worker in self.wanted for shard in worker.shards)
        return all(worker.ok for worker in self.wanted) and shards == [0, 1, 2, 3]

    async def __aenter__(self) -> Self:
        self.home.mkdir(parents=True)
        try:
            await self._begin()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _begin(self) -> None:
        ways = [await self._ways() for _ in range(MAX_WORKERS)]
        detours = [[Detour(way[i].target, way[i].port) for way in ways] for i in range(self.size)]
        self.brokers = await asyncio.to_thread(brokers, self.home, detours)
        await asyncio.gather(*(broker.start() for broker in self.brokers))
        if self.size > 1:
            self.environment = {"GRIDSTRESS_REPLICATION": f"{self.size}", **self.environment}
        environment = {
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
            "GRIDSTRESS_STORE": "rocksdb",
            "GRIDSTRESS_BROKER_KIND": "kafka",
            "GRIDSTRESS_VIEW_INTERVAL_S": "0.5",
            "GRIDSTRESS_STALL_EXIT": "true",
            **self.environment,
        }
        self.workers = [
            Worker(i, processes.free_port(), Ways(way), self.home, environment)
            for i, way in enumerate(ways, 1)
        ]

    async def _ways(self) -> list[Proxy]:
        """A proxy to each broker-to-be."""
        made = [await Proxy(processes.free_port()).__aenter__() for _ in range(self.size)]
        self._proxies += made
        return made

    async def __aexit__(self, *error: object) -> None:
        await asyncio.gather(*(worker.remove() for worker in self.workers))
        await asyncio.gather(*(broker.kill() for broker in self.brokers))
        for proxy in self._proxies:
            await proxy.__aexit__()

    async def resize(self, count: int) -> None:
        """Have so many workers, all of them well."""
        for worker in self.wanted[count:]:
            await worker.stop()
        for worker in self.workers:
            if len(self.wanted) < count and not worker.wanted:
                await worker.start()
        await self.settle()

    async def settle(self) -> float:
        """Wait until every worker is well and every shard has an owner; the seconds it took."""
        return await until(lambda: self.settled, f"all well: {self.standing()}", READY_S)

    async def replicated(self) -> float:
        """Wait until every copy of every partition is in sync; the seconds it took."""
        if self.size == 1:
            return 0.0

        async def whole() -> bool:
            found = [p for part in (await self._described()).values() for p in part]
            return all(len(p.in_sync) == self.size for p in found if len(p.copies) == self.size)

        return await until(whole, "all copies of all partitions are in sync", READY_S)

    async def partitions(self, topic: str) -> list[Partition]:
        """The partitions of a topic, as the brokers know them now."""
        return (await self._described(topic))[topic]

    async def _described(self, *topics: str) -> dict[str, list[Partition]]:
        """Ask the brokers, until one that is there has been asked."""
        found: dict[str, list[Partition]] = {}

        async def answered() -> bool:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
            try:
                await admin.start()
                answer = await admin.describe_topics(list(topics) or await admin.list_topics())
            except (KafkaError, OSError):
                return False
            finally:
                await admin.close()
            found.update({one["topic"]: _partitions(one) for one in answer})
            return True

        await until(answered, "a broker says who leads", READY_S)
        return found

    def stranger(self, settings: Mapping[str, str]) -> Worker:
        """A worker beside the others, with other settings; not started."""
        way, environment = self.workers[-1].ways, self.workers[-1].environment
        return Worker(0, processes.free_port(), way, self.home, {**environment, **settings})

    def standing(self) -> str:
        """How each worker is, in words."""
        return ", ".join(
            f"worker {w.slot}: {w.health.get('status', 'silent' if w.running else 'gone')} "
            f"{w.shards}"
            for w in self.wanted
        )

    async def command(self, *words: str, log: Path) -> asyncio.subprocess.Process:
        """Begin ``gridstress`` with these words; stdout is a pipe, stderr goes to a file."""
        with log.open("ab") as errors:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gridstress", *words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=os.environ
                | self.environment
                | {"PYTHONPATH": str(CHECKOUT), "GRIDSTRESS_BROKER": f"kafka://{self.bootstrap}"},
                cwd=self.home,
                start_new_session=True,
            )


def _partitions(described: Mapping[str, Any]) -> list[Partition]:
    parts = sorted(described["partitions"], key=lambda part: part["partition"])
    return [Partition(part["leader"], part["replicas"], part["isr"]) for part in parts]
