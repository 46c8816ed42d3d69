"""A running gridstress for tests: real workers and commands as processes, on a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from bench.harness.worker import url_of, worker_spec
from gridstress.kafka.topic_reader import partition_count, read_topic
from gridstress.kafka.topics import MEASUREMENTS
from gridstress.local import processes
from gridstress.settings import Settings, load_settings
from tests.support import commands
from tests.support.frames import ended, measured
from topology.codec import encode
from topology.grid import Grid
from topology.loaders import load_grid

CHECKOUT = Path(__file__).parents[2]
READY_S = 60.0
HASTY = {"GRIDSTRESS_SESSION_TIMEOUT_S": "4", "GRIDSTRESS_VIEW_INTERVAL_S": "0.3"}
"""Settings of workers that fail over and publish sooner than by default."""

T = TypeVar("T")


def wait_for(question: Callable[[], T], what: str, timeout_s: float = 60.0) -> T:
    """Ask until the answer is truthy and return it; fail after the time-out."""
    deadline = time.monotonic() + timeout_s
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.1)
    return answer


@dataclass
class Worker:
    """One worker process with its own port and data directory."""

    url: str
    spec: processes.ServiceSpec
    log_dir: Path
    service: processes.Service

    def get(self, path: str, **query: str) -> Any:
        """The JSON answer to a question to its API, whatever its status."""
        return httpx.get(f"{self.url}/api/v1/{path}", params=query, timeout=10).json()

    def status(self) -> dict[str, Any]:
        """Its newest status; waits for the first one, which comes within two seconds."""
        name = self.get("health")["worker"]
        found: list[dict[str, Any]] = wait_for(
            lambda: [w for w in self.get("system")["workers"] if w["worker"] == name],
            f"{name} publishes its status",
        )
        return found[0]

    def kill(self) -> None:
        """SIGKILL: no good-bye, nothing flushed."""
        os.kill(self.service.pid, signal.SIGKILL)
        wait_for(lambda: not self.service.alive, "killed worker is gone")

    def start(self) -> None:
        """Start it again where it was."""
        self.service = commands.spawn(self.spec, self.log_dir)

    def restart(self) -> None:
        """Start it again where it was, and wait until it is healthy."""
        self.start()
        processes.wait_until_healthy(self.spec, self.service, time.monotonic() + READY_S)


@dataclass
class Stack:
    """Workers on a broker; everything that was started stops at the end of the block.

    ``hasty`` workers have the settings in `HASTY` where ``environment`` says nothing else.
    """

    bootstrap: str
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    hasty: bool = True
    workers: list[Worker] = field(default_factory=list)
    _exit: ExitStack = field(default_factory=ExitStack)
    _numbers: Iterator[int] = field(default_factory=count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self.workers:
            processes.stop(worker.service)
        self._exit.close()

    @property
    def settings(self) -> Settings:
        """Settings as the workers have them."""
        return load_settings(broker=f"kafka://{self.bootstrap}")

    def add_worker(self, **environment: str) -> Worker:
        """Start one more worker, with an environment of its own, and wait until it is healthy."""
        port, name = processes.free_port(), f"worker-{len(self.workers) + 1}"
        env = {**self.variables, **environment}
        spec = worker_spec(name, port, env, self.directory, log_level="info")
        service = commands.spawn(spec, self.directory)
        worker = Worker(url_of(port), spec, self.directory, service)
        self.workers.append(worker)
        processes.wait_until_healthy(spec, service, time.monotonic() + READY_S)
        return worker

    def begin_worker(self, **environment: str) -> "subprocess.Popen[str]":
        """Start a worker that may end by itself; what it says is read from its ``stdout``."""
        port, name = processes.free_port(), f"{next(self._numbers)}-by-itself"
        env = {**self.variables, **environment}
        spec = worker_spec(name, port, env, self.directory, log_level="info")
        process = subprocess.Popen(
            list(spec.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **spec.environment},
            cwd=spec.directory,
            text=True,
        )
        self._exit.callback(process.wait)
        self._exit.callback(process.kill)
        return process

    def command(
        self, *words: str, given: str | None = None, timeout_s: float = 150.0
    ) -> subprocess.CompletedProcess[str]:
        """Run ``gridstress`` with these words, and what it is given on its standard input."""
        environment = {**os.environ, **self.variables}
        return commands.run(words, environment, self.directory, given, timeout_s)

    def start(self, *words: str) -> processes.Service:
        """Run ``gridstress`` with these words beside the test."""
        spec = processes.ServiceSpec(
            name=words[0],
            command=[sys.executable, "-m", "gridstress", *words],
            ready=lambda: True,
            environment=self.variables,
            directory=self.directory,
        )
        service = commands.spawn(spec, self.directory)
        self._exit.callback(processes.stop, service)
        return service

    def begin(self, *words: str, log: Path) -> "subprocess.Popen[bytes]":
        """Run ``gridstress`` with these words beside the test, to be asked for its exit code."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gridstress", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                env={**os.environ, **self.variables},
                cwd=self.directory,
            )
        self._exit.callback(process.wait)
        self._exit.callback(process.kill)
        return process

    def verify(self, run: str) -> dict[str, Any]:
        """The verifier's verdict on a run, once the workers have worked it off."""
        done = self.command(
            "verify", "--run", run, "--api", self.workers[-1].url, "--json",
            "--episodes", str(self.directory / f"{run}.episodes.json"),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        verdict: dict[str, Any] = json.loads(done.stdout)
        return verdict

    def episodes(self, run: str) -> str:
        """The run's alarm episodes as `verify` wrote them, without run ids."""
        return (self.directory / f"{run}.episodes.json").read_text()

    @property
    def variables(self) -> dict[str, str]:
        """What the environment of its processes has beside that of the test."""
        return {
            "GRIDSTRESS_BROKER": f"kafka://{self.bootstrap}",
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
            **(HASTY if self.hasty else {}),
            **self.environment,
        }


@contextmanager
def two_days(bootstrap: str, directory: Path) -> Iterator[Stack]:
    """A stack whose worker has worked off the run ``r``, two winter days; verified."""
    with Stack(bootstrap, directory) as running:
        running.add_worker()
        span = ["--start", "2025-01-07", "--until", "2025-01-09", "--speed", "max"]
        assert running.command("replay", "--run", "r", *span).returncode == 0
        running.verify("r")
        yield running


async def send(bootstrap: str, topic: str, records: Iterable[tuple[int, bytes | None]]) -> None:
    """Send values to partitions, acknowledged when this returns."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2 << 20)
    await producer.start()
    try:
        for partition, value in records:
            await producer.send(topic, value, key=b"k", partition=partition)
        await producer.flush()
    finally:
        await producer.stop()


class Sent:
    """A run of all zones that is sent in two halves of twelve hours."""

    def __init__(self, broker: str, run: str, grid: Grid | None = None) -> None:
        grid = grid or load_grid("germany")
        self.broker, self.run = broker, run
        self.nodes = {zone: grid.nodes_of(zone)[0].id for zone in grid.zones}

    async def send(self, first: int, last: int, *, end: bool = False) -> None:
        hours = list(range(first, last))
        frames = [
            (number, encode(measured(zone, hours, {node: [9000.0] * len(hours)}, run=self.run)))
            for number, (zone, node) in enumerate(self.nodes.items())
        ]
        if end:
            frames += [
                (number, encode(ended(zone, last, run=self.run)))
                for number, zone in enumerate(self.nodes)
            ]
        await send(self.broker, MEASUREMENTS, frames)


async def records(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Everything in a topic."""
    return await read_topic(bootstrap, topic)


async def go_back(bootstrap: str, topic: str, group: str = "gridstress") -> None:
    """Commit the beginning of every partition of a topic, for a group without members."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = range(await partition_count(bootstrap, topic))
        consumer.assign([TopicPartition(topic, partition) for partition in partitions])
        await consumer.commit(dict.fromkeys(consumer.assignment(), 0))
    finally:
        await consumer.stop()
