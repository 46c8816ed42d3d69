"""Apache Kafka on disk, and workers that each reach it through a proxy of their own."""

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from gridstress import processes
from gridstress.brokers.apache import Detour, service
from tests.chaos.proxy import Proxy
from tests.chaos.schedule import MAX_WORKERS
from tests.chaos.worker import Hung, Worker, until

CHECKOUT = Path(__file__).parents[2]
READY_S = 240.0


@dataclass
class Cluster:
    """A broker and up to ``MAX_WORKERS`` workers; all of them end with the block."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    port: int = field(default_factory=processes.free_port)
    _broker: asyncio.subprocess.Process | None = None
    _spec: Any = None
    _proxies: list[Proxy] = field(default_factory=list)

    @property
    def bootstrap(self) -> str:
        """The way that no proxy stands in."""
        return f"127.0.0.1:{self.port}"

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
        ports = [processes.free_port() for _ in range(MAX_WORKERS)]
        self._proxies = [await Proxy(port).__aenter__() for port in ports]
        detours = [Detour(p.target, p.port) for p in self._proxies]
        self._spec = await asyncio.to_thread(service, self.port, self.home / "kafka", detours)
        await self.start_broker()
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
            Worker(i, processes.free_port(), proxy, self.home, environment)
            for i, proxy in enumerate(self._proxies, 1)
        ]

    async def __aexit__(self, *error: object) -> None:
        await asyncio.gather(*(worker.remove() for worker in self.workers))
        await self.kill_broker()
        for proxy in self._proxies:
            await proxy.__aexit__()

    async def start_broker(self) -> None:
        """Start the broker, again with the data it had, and wait until it answers."""
        with (self.home / "broker.log").open("ab") as output:
            self._broker = await asyncio.create_subprocess_exec(
                *self._spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.home,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while self._broker.returncode is None and time.monotonic() < deadline:
            if await asyncio.to_thread(self._spec.ready):
                return
            await asyncio.sleep(0.2)
        raise Hung("the broker does not come up; see broker.log")

    async def kill_broker(self) -> None:
        """SIGKILL."""
        if self._broker is not None and self._broker.returncode is None:
            self._broker.kill()
            await self._broker.wait()

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
