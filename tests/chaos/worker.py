"""A worker process under a supervisor, as ``gridstress up`` or Docker would run it."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.chaos.proxy import Ways

ASKED_TO_BE_RESTARTED = 70
"""Exit code of a worker that has noticed that it is not well and wants to be started again."""

POLL_S = 0.4
STOP_S = 40.0
COUNTED = ("duplicates", "dead_letters")


class Part(NamedTuple):
    """What a shard's state was when it was published last (epoch s)."""

    published_at: float
    event_time: str
    watermark: str | None


Parts = dict[int, Part]
"""By shard."""


@dataclass
class Worker:
    """A place for a worker: its port, data and way to the broker stay, the process may change.

    Attributes
    ----------
    wanted
        Whether it shall run; while it shall, the supervisor starts it again whenever it ends by
        itself.
    clock_off_s
        How far the wall clock of its next process is off.
    ends
        How it has ended by itself: exit codes, counted.
    seen
        By process id: what it has counted, as far as it was last seen.
    """

    slot: int
    port: int
    ways: Ways
    home: Path
    environment: dict[str, str]
    wanted: bool = False
    clock_off_s: int = 0
    process: asyncio.subprocess.Process | None = None
    ends: Counter[int] = field(default_factory=Counter)
    seen: dict[int, dict[str, int]] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
    _starts: int = 0
    _ended: asyncio.subprocess.Process | None = None
    _closed: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.home / f"data-{self.slot}"

    @property
    def log(self) -> Path:
        """Log of the process that was started last."""
        return self.home / f"worker-{self.slot}.{self._starts:03}.log"

    @property
    def logs(self) -> list[Path]:
        """Logs of all its processes, in their order."""
        return sorted(self.home.glob(f"worker-{self.slot}.*.log"))

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def ok(self) -> bool:
        return self.running and self.health.get("status") == "ok"

    @property
    def shards(self) -> list[int]:
        """Shards of the first model that it owned when it was last seen."""
        owned: list[int] = self.health.get("partitions", {}).get("propagated_stress_linear", [])
        return owned

    async def start(self) -> None:
        """Start a process, and watch over it from now on."""
        assert not self.running
        if self._closed:
            return
        self.wanted = True
        self._starts += 1
        self.health = {}
        off = self.clock_off_s
        faust = ("tests.chaos.skewed", str(off)) if off else ("faust",)
        with self.log.open("wb") as output:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *faust, "-A", "gridstress", "worker", "-l", "info"),
                *("--web-port", str(self.port)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=os.environ
                | self.environment
                | {
                    "GRIDSTRESS_BROKER": f"kafka://{self.ways.addresses}",
                    "GRIDSTRESS_DATA_DIR": str(self.data),
                },
                cwd=self.home,
                start_new_session=True,
            )
        self._tasks = [
            asyncio.create_task(self._supervise(self.process)),
            asyncio.create_task(self._poll(self.process)),
        ]

    async def kill(self) -> None:
        """SIGKILL: no good-bye, nothing flushed."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> bool:
        """SIGTERM; whether it went by itself in time, otherwise it was killed."""
        return await self._end(signal.SIGTERM)

    async def once(self, within_s: float) -> int:
        """Start a process that is not started again, and wait for its exit code.

        Raises
        ------
        Hung
            If it does not end.
        """
        await self.start()
        self.wanted, process = False, self.process
        assert process is not None
        try:
            return await asyncio.wait_for(process.wait(), within_s)
        except TimeoutError:
            raise Hung(f"worker {self.slot} does not end within {within_s:.0f} s") from None
        finally:
            await self.remove()

    def suspend(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def remove(self) -> None:
        """End whatever runs here, for good."""
        self._closed = True
        await self._end(signal.SIGKILL)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _signal(self, number: int) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)

    async def _end(self, number: int) -> bool:
        self.wanted, process = False, self.process
        self._ended = process
        if process is None:
            return True
        self._signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await process.wait()
            return False
        return True

    async def _supervise(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if process is not self._ended:
            self.ends[code] += 1
        if self.wanted:
            await asyncio.sleep(1)  # as a supervisor does, lest it spins
            if self.wanted and self.process is process:
                await self.start()

    async def _poll(self, process: asyncio.subprocess.Process) -> None:
        async with httpx.AsyncClient(timeout=2) as client:
            while process.returncode is None:
                try:
                    answer = await client.get(f"{self.url}/api/v1/health")
                    self.health = answer.json()
                except (httpx.HTTPError, ValueError):
                    self.health = {}
                if counters := self.health.get("counters"):
                    self.seen[process.pid] = {
                        **{name: counters[name] for name in COUNTED},
                        "frames": sum(counters["frames"].values()),
                        "detection": counters["frames"].get("detection", 0),
                    }
                await asyncio.sleep(POLL_S)

    async def parts(self, client: httpx.AsyncClient, run: str) -> Parts:
        """How far each shard of the first model is in a run, as this worker knows it."""
        try:
            answer = await client.get(
                f"{self.url}/api/v1/state", params={"run": run, "model": "linear"}
            )
            if answer.status_code != httpx.codes.OK:
                return {}
            return {
                part["shard"]: Part(part["published_at"], part["event_time"], part["watermark"])
                for part in answer.json()["parts"]
                if part["event_time"]
            }
        except (httpx.HTTPError, ValueError):
            return {}


def totals(workers: list[Worker]) -> Counter[str]:
    """What all processes have counted together, also those that are gone."""
    total: Counter[str] = Counter()
    for worker in workers:
        for counts in worker.seen.values():
            total.update(counts)
    return total


async def until(
    question: Callable[[], bool | Awaitable[bool]], what: str, timeout_s: float
) -> float:
    """Ask until the answer is true; the seconds it took.

    Raises
    ------
    Hung
        If it does not become true in time.
    """
    began = time.monotonic()
    while True:
        answer = question()
        if answer if isinstance(answer, bool) else await answer:
            return time.monotonic() - began
        if time.monotonic() - began > timeout_s:
            raise Hung(f"not within {timeout_s:.0f} s: {what}")
        await asyncio.sleep(0.1)


class Hung(Exception):
    """Something did not come back in time."""
