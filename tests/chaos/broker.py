"""A broker as a process that may be killed and started again; one, or three with copies."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gridstress.local import apache, processes
from gridstress.local.apache import Detour
from gridstress.local.kafka_jars import fetch_jars, java
from tests.chaos.worker import Hung

READY_S = 240.0
FORMAT_S = 120
CLUSTER_ID = "AAAAAAAAAAAAAAAAAAAAAA"

_TO_FORMAT = """
process.roles=broker,controller
node.id={number}
listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters={voters}
log.dirs={data}
"""

_REPLICATED = """
node.id={number}
listeners={listeners}
controller.quorum.voters={voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
"""


@dataclass
class Broker:
    """One broker: its port and data stay, the process may change."""

    number: int
    port: int
    home: Path
    spec: processes.ServiceSpec
    _process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """The way that no proxy stands in."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, again with the data it had, and wait until it answers.

        Raises
        ------
        Hung
            If it does not come up.
        """
        log = self.home / f"broker-{self.number}.log"
        with log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.home,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while self._process.returncode is None and time.monotonic() < deadline:
            if await asyncio.to_thread(self.spec.ready):
                return
            await asyncio.sleep(0.2)
        raise Hung(f"broker {self.number} does not come up; see {log.name}")

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def brokers(home: Path, detours: Sequence[Sequence[Detour]]) -> list[Broker]:
    """As many brokers as there are lists of detours, 1 or 3, numbered from 1; not started."""
    count = len(detours)
    ports = [processes.free_port() for _ in range(count)]
    if count == 1:
        return [Broker(1, ports[0], home, apache.service(ports[0], home / "kafka", detours[0]))]
    controllers = [processes.free_port() for _ in range(count)]
    voters = ",".join(f"{i}@127.0.0.1:{port}" for i, port in enumerate(controllers, 1))
    made = []
    for number, port in enumerate(ports, 1):
        directory = home / f"kafka-{number}"
        _format(directory, number, voters)
        spec = apache.service(port, directory, detours[number - 1])
        _replicate(directory / "server.properties", number, controllers[number - 1], voters)
        made.append(Broker(number, port, home, spec))
    return made


def _format(directory: Path, number: int, voters: str) -> None:
    data, properties = directory / "data", directory / "format.properties"
    data.mkdir(parents=True)
    text = _TO_FORMAT.format(number=number, voters=voters, data=data.resolve().as_posix())
    properties.write_text(text, "utf-8")
    command = [
        *(java(), "-cp", f"{fetch_jars()}/*", "kafka.tools.StorageTool", "format"),
        *("--cluster-id", CLUSTER_ID, "--config", str(properties)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_S, check=False)
    if done.returncode:
        raise Hung(f"the storage of broker {number} cannot be formatted: {done.stderr[-300:]}")


def _replicate(properties: Path, number: int, controller: int, voters: str) -> None:
    """Make one of several of it: what is said last in the file counts."""
    text = properties.read_text("utf-8")
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    doors, _, _ = found["listeners"].rpartition(",")
    listeners = f"{doors},CONTROLLER://127.0.0.1:{controller}"
    more = _REPLICATED.format(number=number, listeners=listeners, voters=voters)
    properties.write_text(text + more, "utf-8")
