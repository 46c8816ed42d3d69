"""The common parts of the local brokers."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gridstress.kafka.probe import cluster_id
from gridstress.kafka_connection import Where
from gridstress.local import processes
from topology.errors import BrokerError

_ASK_TIMEOUT_S = 5.0


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


def cluster_id_now(where: Where) -> str:
    """Cluster id of the broker there; may be called with an event loop running.

    Raises
    ------
    BrokerError
        If no broker answers there.
    """
    with ThreadPoolExecutor(1) as thread:
        question = cluster_id(where, timeout_s=_ASK_TIMEOUT_S)
        return thread.submit(asyncio.run, question).result()


def answers(bootstrap: str) -> bool:
    """Whether a broker answers at `bootstrap` now; may be called with an event loop running."""
    try:
        cluster_id_now(bootstrap)
    except BrokerError:
        return False
    return True


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
        with processes.running(service(port, home), home, timeout_s) as running:
            yield RunningBroker(kind, f"127.0.0.1:{port}", running)
