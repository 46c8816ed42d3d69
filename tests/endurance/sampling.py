"""What a worker uses while it works: memory, file descriptors, disk, and how far behind it is."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.harness.worker import bytes_in
from tests.integration.harness import Worker


@dataclass(frozen=True)
class Sample:
    """A worker at one moment, seconds since the sampling began."""

    at_s: float
    rss_mb: float
    descriptors: int
    store_mb: float
    lag: int


@dataclass
class Sampler:
    """Looks at a worker again and again, in a thread of its own."""

    worker: Worker
    store: Path
    every_s: float
    samples: list[Sample] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Sample until the end of the ``with`` block."""
        began, process = time.monotonic(), psutil.Process(self.worker.service.pid)
        while not self._done.wait(self.every_s):
            self.samples.append(
                Sample(
                    at_s=round(time.monotonic() - began, 1),
                    rss_mb=round(process.memory_info().rss / 1e6, 1),
                    descriptors=process.num_fds(),
                    store_mb=round(bytes_in(self.store) / 1e6, 2),
                    lag=lag_of(self.worker),
                )
            )

    def stop(self) -> None:
        """End the sampling."""
        self._done.set()


@contextmanager
def sampling(worker: Worker, store: Path, every_s: float) -> Iterator[list[Sample]]:
    """Sample for the length of a ``with`` block; the list grows meanwhile."""
    sampler = Sampler(worker, store, every_s)
    thread = threading.Thread(target=sampler.run)
    thread.start()
    try:
        yield sampler.samples
    finally:
        sampler.stop()
        thread.join()


def lag_of(worker: Worker) -> int:
    """Records of its partitions that the worker says it has not finished; -1 if it says nothing.

    A busy worker may take its time to answer.
    """
    try:
        reported = worker.get("system")["workers"]
    except (httpx.HTTPError, KeyError):
        return -1
    return sum(sum(one["lag"].values()) for one in reported)
