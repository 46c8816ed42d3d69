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

from gridstress.local import processes

READY_S = 120.0


@dataclass
class Worker:
    """One worker process with its own port and data directory."""

    url: str
    data: Path
    spec: processes.ServiceSpec
    service: processes.Service

    def get(self, path: str, **query: str) -> Any:
        """JSON it answers with, whatever the status; {} while there is no answer."""
        try:
            return httpx.get(f"{self.url}/api/v1/{path}", params=query, timeout=10).json()
        except (httpx.HTTPError, ValueError):
            return {}

    @property
    def store_bytes(self) -> int:
        """Size of its tables on disk."""
        return bytes_in(self.data)

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
    port = processes.free_port()
    spec = worker_spec(name, port, environment, home, log_level="warn")
    return Worker(url_of(port), home / name, spec, processes.spawn(spec, home))


def worker_spec(
    name: str, port: int, environment: Mapping[str, str], home: Path, *, log_level: str
) -> processes.ServiceSpec:
    """Describe a worker whose tables are in `home` under its name; ready when it is live."""
    url = url_of(port)
    return processes.ServiceSpec(
        name=name,
        command=[
            *(sys.executable, "-m", "faust", "--quiet", "-A", "gridstress"),
            *("worker", "-l", log_level),
            *("--web-port", str(port)),
        ],
        ready=lambda: _live(url),
        environment={**environment, "GRIDSTRESS_DATA_DIR": str((home / name).resolve())},
        directory=home,
    )


def url_of(port: int) -> str:
    """Where a worker with this port answers."""
    return f"http://127.0.0.1:{port}"


def bytes_in(directory: Path) -> int:
    """Size of the files in a directory and below; they may come and go meanwhile."""
    sizes = []
    for file in directory.rglob("*"):
        with suppress(FileNotFoundError):  # RocksDB deletes files at any time
            sizes.append(file.stat().st_size if file.is_file() else 0)
    return sum(sizes)


def _live(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/live", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
