"""Ask a running broker whether it answers, and which kind it is."""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gridstress.kafka_connection import Where, connection
from topology.errors import BrokerError, UsageError

EMBEDDED_CLUSTER_ID = "tansu_cluster"
"""Cluster id that the embedded broker reports and Apache Kafka never does (its ids are random)."""

ANSWER_TIMEOUT_S = 10.0
"""How long one question may take; a broker that is alive answers in milliseconds."""

_HANDSHAKE_S = 5.0


async def cluster_id(where: Where, *, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
    """Cluster id of the broker there.

    Parameters
    ----------
    where
        The cluster, or ``host:port``, several separated by commas; a leading ``kafka://`` is
        allowed.
    timeout_s
        Longest wait for the answer, s.

    Raises
    ------
    BrokerError
        If nothing there speaks the Kafka protocol, or it does not let us in.
    UsageError
        If the address is not of that form, or a certificate cannot be used.
    """
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    arguments = connection(where)
    try:
        # A refused connection is recognised first: aiokafka would log each try as an error.
        await asyncio.wait_for(connect_any(arguments["bootstrap_servers"]), timeout_s)
        with quiet():
            admin = AIOKafkaAdminClient(**arguments, request_timeout_ms=int(timeout_s * 1000))
            try:
                await asyncio.wait_for(admin.start(), timeout_s)
                answer = await asyncio.wait_for(admin.describe_cluster(), timeout_s)
            finally:
                await admin.close()
    except (OSError, TimeoutError, KafkaError) as error:
        raise await connection_error(where, error) from error
    return str(answer.get("cluster_id") or "")


async def connection_error(where: Where, error: Exception) -> BrokerError:
    """Say why a client could not connect; aiokafka itself says only that it could not.

    ``error`` is what the client raised. What is returned names the user, never the password.
    """
    from aiokafka.conn import create_conn
    from aiokafka.errors import KafkaError

    arguments = connection(where)
    servers = arguments.pop("bootstrap_servers")
    no_answer = BrokerError(
        f"no Kafka broker answers at {servers}: {str(error) or type(error).__name__}",
        hint="start one with `gridstress up`, or name yours: GRIDSTRESS_BROKER=kafka://host:9092",
    )
    if isinstance(error, TimeoutError):
        return no_answer  # asking once more would take as long
    try:
        host, port = await asyncio.wait_for(connect_any(servers), _HANDSHAKE_S)
    except (OSError, TimeoutError):
        return no_answer
    try:
        with quiet():
            timeout_ms = int(_HANDSHAKE_S * 1000)
            known = await create_conn(host, port, request_timeout_ms=timeout_ms, **arguments)
            known.close()
    except (OSError, TimeoutError, KafkaError, ValueError) as found:
        return _refusal(servers, arguments, found)
    return _refusal(servers, arguments, error)


def _all_but_broken_connections(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


def _refusal(servers: str, arguments: dict[str, Any], error: Exception) -> BrokerError:
    from aiokafka import errors

    if isinstance(error, ssl.SSLCertVerificationError):
        return BrokerError(
            f"the certificate of the broker at {servers} is not trusted: {error.verify_message}",
            hint="GRIDSTRESS_KAFKA_SSL_CAFILE names the certificates that vouch for it",
        )
    refused = (
        errors.SaslAuthenticationFailed,
        errors.AuthenticationFailedError,
        errors.UnsupportedSaslMechanismError,
    )
    if isinstance(error, refused):
        user, how = arguments.get("sasl_plain_username"), arguments.get("sasl_mechanism")
        return BrokerError(
            f"the broker at {servers} refused user {user!r} ({how}): {error}",
            hint="check GRIDSTRESS_KAFKA_SASL_USERNAME, _PASSWORD and _MECHANISM",
        )
    return BrokerError(
        f"the broker at {servers} ended the conversation "
        f"({arguments['security_protocol']}): {str(error) or type(error).__name__}",
        hint="is it Kafka, and does it ask for TLS, a user or a certificate there? See "
        "GRIDSTRESS_KAFKA_SECURITY_PROTOCOL in docs/security.md",
    )


_levels: list[int] = []
"""Levels that `quiet` has found; where blocks overlap, the last to end restores the first."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep aiokafka from logging, as an error, what we tell ourselves."""
    # It also forgets futures of connections that broke; asyncio would print them, at any time.
    asyncio.get_running_loop().set_exception_handler(_all_but_broken_connections)
    logger = logging.getLogger("aiokafka")
    _levels.append(logger.level)
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(_levels.pop())


async def is_embedded(where: Where) -> bool:
    """Whether the broker there is the embedded one, which needs work-arounds.

    Raises
    ------
    BrokerError
        If no broker answers there.
    """
    return await cluster_id(where) == EMBEDDED_CLUSTER_ID


async def connect_any(servers: str) -> tuple[str, int]:
    """Host and port of the first of `servers` that lets us connect.

    Raises
    ------
    OSError
        Why the last of them did not, if none does.
    UsageError
        If one is not of the form ``host:port``.
    """
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
        return host, int(port)
    raise refused
