"""A broker, its topics and workers as real processes, for one measurement."""

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.harness.brokers import RunningBroker, apache_broker, embedded_broker
from bench.harness.case import Case
from bench.harness.process_usage import busy_share, watching
from bench.harness.worker import Worker, start_worker
from gridstress.kafka.topics import ensure_topics
from gridstress.local import processes
from gridstress.settings import Settings, load_settings
from topology.errors import GridstressError

CHECKOUT = Path(__file__).parents[2]

VIEWS = "views"
"""Name of the view server's process."""
VERIFY_S = 1800.0
"""How long a verification may take, s."""

FIRST_JOIN_S = 5.0
"""How long several workers have to start, so that all begin with their share of the work, s."""


@dataclass(frozen=True)
class Verification:
    """What ``gridstress verify`` found, and what it took.

    Attributes
    ----------
    equal
        Whether the run is as it should be.
    seconds
        From the start of the command to its end.
    peak_rss
        Most memory that it was seen to hold, bytes.
    """

    equal: bool
    seconds: float
    peak_rss: int


@dataclass
class TestBed:
    """Everything one case needs; what was started is stopped at the end of the block.

    Parameters
    ----------
    grid_file
        The topology, as our JSON.
    home
        A directory of its own: broker, tables and logs go there.
    """

    case: Case
    grid_file: Path
    home: Path
    workers: list[Worker] = field(default_factory=list)
    views: Worker | None = None
    _exit: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Start the broker and make the topics."""
        self.load_average, self.busy_before = os.getloadavg()[0], busy_share()
        self.home.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            place = self.home / "broker"
            place.mkdir(exist_ok=True)
            self.broker: RunningBroker = undo.enter_context(_broker(self.case, place))
            asyncio.run(ensure_topics(self.settings))
            self._exit = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self.started:
            processes.stop(worker.service)
        self._exit.close()

    @property
    def environment(self) -> dict[str, str]:
        """Environment of workers and commands."""
        return {
            **self.case.environment,
            "GRIDSTRESS_BROKER": f"kafka://{self.broker.bootstrap}",
            "GRIDSTRESS_TOPOLOGY": str(self.grid_file.resolve()),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def settings(self) -> Settings:
        """Settings as the workers have them."""
        prefix = "GRIDSTRESS_"
        ours = {k: v for k, v in self.environment.items() if k.startswith(prefix)}
        return load_settings(**{k.removeprefix(prefix).lower(): v for k, v in ours.items()})

    @property
    def parts(self) -> int:
        """Number of shards, all models together."""
        return len(self.settings.model_names) * self.settings.partitions

    @property
    def api(self) -> Worker:
        """The process that answers questions about runs."""
        return self.views or self.workers[0]

    @property
    def started(self) -> list[Worker]:
        """The workers, and the view server if there is one."""
        return [*self.workers, *([self.views] if self.views else [])]

    def processes(self) -> dict[str, psutil.Process]:
        """Everything that was started, by name: ``broker``, ``worker-1`` and so on, ``views``."""
        services = [self.broker.service, *(worker.service for worker in self.started)]
        found = {service.name: service.process() for service in services}
        return {name: process for name, process in found.items() if process}

    def add_worker(self) -> Worker:
        """Start one more worker, without waiting for it; before the first its view server."""
        if self.case.role == "worker" and self.views is None:
            self.views = self._start(VIEWS, "views")
        worker = self._start(f"worker-{len(self.workers) + 1}", self.case.role)
        self.workers.append(worker)
        return worker

    def wait_ready(self) -> None:
        """Wait until all that was started is live.

        Raises
        ------
        GridstressError
            If one ends, or is not live within two minutes; names its log.
        """
        for worker in self.started:
            worker.wait_ready()

    def verify(self, run: str, *, with_open: bool) -> Verification:
        """Run ``gridstress verify``; what it writes goes to a log if the run is not equal.

        Raises
        ------
        GridstressError
            If it does not end within `VERIFY_S` seconds.
        """
        words = ["verify", "--run", run, "--json", "--api", self.api.url]
        began = time.monotonic()
        with (
            subprocess.Popen(
                [sys.executable, "-m", "gridstress", *words, *([] if with_open else ["--no-open"])],
                env={**os.environ, **self.environment},
                cwd=self.home,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as verifier,
            watching({"verify": psutil.Process(verifier.pid)}) as samples,
        ):
            try:
                output, errors = verifier.communicate(timeout=VERIFY_S)
            except subprocess.TimeoutExpired:
                verifier.kill()
                raise GridstressError(f"verify did not end within {VERIFY_S:.0f} s") from None
        seconds = time.monotonic() - began
        equal = verifier.returncode == 0 and _is_ok(output)
        if not equal:
            (self.home / f"{run}.verify.log").write_text(output + errors, "utf-8")
        return Verification(equal, seconds, samples.peak_rss("verify"))

    def _start(self, name: str, role: str) -> Worker:
        return start_worker(name, {**self.environment, "GRIDSTRESS_ROLE": role}, self.home)


def _broker(case: Case, place: Path) -> AbstractContextManager[RunningBroker]:
    if case.broker == "embedded":
        return embedded_broker(directory=place)
    return apache_broker(directory=place, first_join_s=FIRST_JOIN_S if case.workers > 1 else 0.0)


def _is_ok(report: str) -> bool:
    try:
        return bool(json.loads(report)["ok"])
    except (ValueError, KeyError):
        return False
