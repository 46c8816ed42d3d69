"""Ask a broker that runs on this machine whether it answers, with an event loop or without."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from gridstress.kafka.probe import cluster_id
from gridstress.kafka_connection import Where
from topology.errors import BrokerError

_ASK_TIMEOUT_S = 5.0


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
