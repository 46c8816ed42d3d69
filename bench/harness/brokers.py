"""Brokers for the length of a ``with`` block, on this machine: for benches and tests."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gridstress.local import apache, embedded, processes


@dataclass(frozen=True)
class RunningBroker:
    """A broker started on this machine.

    Parameters
    ----------
    kind
        ``embedded`` or ``apache``.
    bootstrap
        Its address, ``127.0.0.1:port``.
    service
        The process, with its log file.
    """

    kind: str
    bootstrap: str
    service: processes.Service

    @property
    def log(self) -> Path:
        """Its log file."""
        return Path(self.service.log)


def apache_broker(
    port: int | None = None,
    directory: Path | None = None,
    *,
    first_join_s: float = 0.0,
    timeout_s: float = 60.0,
) -> AbstractContextManager[RunningBroker]:
    """Run Apache Kafka for the length of a ``with`` block.

    Parameters
    ----------
    port
        Any free one if None.
    directory
        Where its data, settings and log go, kept afterwards; a temporary one if None.
    first_join_s
        How long a new group waits for more members before it begins to work, s.

    Raises
    ------
    BrokerError
        As `apache.service`, or if it does not come up within `timeout_s` seconds.
    """
    setting = f"group.initial.rebalance.delay.ms={1000 * first_join_s:.0f}"

    def service(at: int, home: Path) -> processes.ServiceSpec:
        spec = apache.service(at, home)
        return replace(spec, command=[*spec.command, "--override", setting])

    return run_broker("apache", service, port, directory, timeout_s)


def embedded_broker(
    port: int | None = None, directory: Path | None = None, *, timeout_s: float = 30.0
) -> AbstractContextManager[RunningBroker]:
    """Run an embedded broker for the length of a ``with`` block.

    Parameters
    ----------
    port
        Any free one if None.
    directory
        Where its log goes; a temporary one if None.

    Raises
    ------
    BrokerError
        If it is not installed or does not come up within `timeout_s` seconds.
    """
    return run_broker("embedded", lambda at, _: embedded.service(at), port, directory, timeout_s)


@contextmanager
def run_broker(
    kind: str,
    service: Callable[[int, Path], processes.ServiceSpec],
    port: int | None,
    directory: Path | None,
    timeout_s: float,
) -> Iterator[RunningBroker]:
    """Run a broker for the length of a ``with`` block; it answers from the first line on.

    Parameters
    ----------
    kind
        As of `RunningBroker`.
    service
        Gives the broker on a port with its files in a directory.
    port
        Any free one if None.
    directory
        A temporary one if None.
    timeout_s
        How long it may take to come up, s.

    Raises
    ------
    BrokerError
        As `service`, or if it does not come up.
    """
    port = port or processes.free_port()
    with tempfile.TemporaryDirectory(prefix=f"gridstress-{kind}-") as temporary:
        home = directory or Path(temporary)
        with running(service(port, home), home, timeout_s) as started:
            yield RunningBroker(kind, f"127.0.0.1:{port}", started)


@contextmanager
def running(
    spec: processes.ServiceSpec, log_dir: Path, timeout_s: float
) -> Iterator[processes.Service]:
    """Run a service for the length of a ``with`` block, healthy from the first line on.

    Raises
    ------
    GridstressError
        As `processes.wait_until_healthy`.
    """
    service = processes.spawn(spec, log_dir)
    try:
        processes.wait_until_healthy(spec, service, time.monotonic() + timeout_s)
        yield service
    finally:
        processes.stop(service)
