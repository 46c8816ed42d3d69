"""A worker as a real process: started, asked, killed, started again."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gridstress import processes

READY_S = 120.0


@dataclass
class Worker:
    """One worker process with its own port and data directory."""

    url: str
    data: Path
    spec: processes.ServiceSpec
    service: processes.Service

    def get(self, path: str, **query: str) -> Any:
        """JSON it answers with, whatever the status; {} while nobody answers."""
        try:
            return httpx.get(f"{self.url}/api/v1/{path}", params=query, timeout=10).json()
        except (httpx.HTTPError, ValueError):
            return {}

    @property
    def store_bytes(self) -> int:
        """Size of its tables on disk."""
        sizes = []
        for file in self.data.rglob("*"):
            with suppress(FileNotFoundError):  # RocksDB deletes files at any time
                sizes.append(file.stat().st_size if file.is_file() else 0)
        return sum(sizes)

    @property
    def live(self) -> bool:
        """Whether its tables are up to date and it takes part."""
        return self.spec.ready()

    def wait_ready(self) -> None:
        """Wait until it is live.

        Raises
        ------
        GridstressError
            If it ends, or is not within two minutes; names its log.
        """
        processes.wait_until_healthy(self.spec, self.service, time.monotonic() + READY_S)

    def kill(self) -> None:
        """SIGKILL: no good-bye, nothing flushed."""
        os.kill(self.service.pid, signal.SIGKILL)
        while self.service.alive:
            time.sleep(0.01)

    def restart(self) -> None:
        """Start it again where it was, without waiting for it."""
        self.service = processes.spawn(self.spec, Path(self.service.log).parent)


def start_worker(name: str, environment: Mapping[str, str], home: Path) -> Worker:
    """Start a worker on a free port, its log and tables in `home`, without waiting for it."""
    port, data = processes.free_port(), home / name
    url = f"http://127.0.0.1:{port}"
    spec = processes.ServiceSpec(
        name=name,
        command=[
            *(sys.executable, "-m", "faust", "-A", "gridstress", "worker", "-l", "warn"),
            *("--web-port", str(port)),
        ],
        ready=lambda: _live(url),
        environment={**environment, "GRIDSTRESS_DATA_DIR": str(data.resolve())},
        directory=home,
    )
    return Worker(url, data, spec, processes.spawn(spec, home))


def _live(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/live", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
