"""Ask a running broker whether it answers, and which kind it is."""

import asyncio
import time

from topology.errors import BrokerError, UsageError

EMBEDDED_CLUSTER_ID = "tansu_cluster"
"""Cluster id that the embedded broker reports and Apache Kafka never does (its ids are random)."""

ANSWER_TIMEOUT_S = 10.0
"""How long one question may take; a broker that is alive answers in milliseconds."""

_POLL_S = 0.1


async def cluster_id(bootstrap: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
    """Cluster id of the broker at `bootstrap`.

    Parameters
    ----------
    bootstrap
        ``host:port``, several separated by commas; a leading ``kafka://`` is allowed.
    timeout_s
        Longest wait for the answer, s.

    Raises
    ------
    BrokerError
        If nothing there speaks the Kafka protocol.
    UsageError
        If `bootstrap` is not of that form.
    """
    import logging

    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    servers = bootstrap.removeprefix("kafka://")
    try:
        # A refused connection is told apart first: aiokafka would log each try as an error.
        await asyncio.wait_for(_connect_any(servers), timeout_s)
        admin = AIOKafkaAdminClient(
            bootstrap_servers=servers, request_timeout_ms=int(timeout_s * 1000)
        )
        quieted = logging.getLogger("aiokafka")
        level = quieted.level
        quieted.setLevel(logging.CRITICAL)
        try:
            await asyncio.wait_for(admin.start(), timeout_s)
            answer = await asyncio.wait_for(admin.describe_cluster(), timeout_s)
        finally:
            quieted.setLevel(level)
            await admin.close()
    except (OSError, TimeoutError, KafkaError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(
            f"no Kafka broker answers at {servers}: {reason}",
            hint="start one with `gridstress up`, or name yours: GRIDSTRESS_BROKER=kafka://host:9092",
        ) from error
    return str(answer.get("cluster_id") or "")


async def is_embedded(bootstrap: str) -> bool:
    """Whether the broker at `bootstrap` is the embedded one, which needs work-arounds.

    Raises
    ------
    BrokerError
        If no broker answers there.
    """
    return await cluster_id(bootstrap) == EMBEDDED_CLUSTER_ID


async def wait_until_ready(bootstrap: str, timeout_s: float) -> str:
    """Wait until the broker at `bootstrap` answers and return its cluster id.

    Raises
    ------
    BrokerError
        If it has not answered after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = max(deadline - time.monotonic(), 0.1)
        try:
            return await cluster_id(bootstrap, timeout_s=min(left_s, ANSWER_TIMEOUT_S))
        except BrokerError:
            if time.monotonic() + _POLL_S > deadline:
                raise
        await asyncio.sleep(_POLL_S)


async def _connect_any(servers: str) -> None:
    refused: OSError = OSError("no address given")
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise UsageError(
                f"{server.strip()!r} is not a broker address", hint="give it as host:port"
            )
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError as error:
            refused = error
            continue
        writer.close()
        return
    raise refused
