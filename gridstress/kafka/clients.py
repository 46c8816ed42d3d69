"""Clients of aiokafka for the length of a block; what they raise is a BrokerError."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gridstress.kafka_connection import Where, connection
from topology.errors import BrokerError


@asynccontextmanager
async def admin_client(where: Where, failed: str) -> AsyncIterator[Any]:
    """Connect an administrator's client; its errors begin with ``failed``."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(**connection(where))
    async with _connected(admin, admin.close, failed):
        yield admin


@asynccontextmanager
async def producer_client(where: Where, failed: str, **options: Any) -> AsyncIterator[Any]:
    """Connect a producer that waits for all replicas; its errors begin with ``failed``."""
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(**connection(where), acks="all", **options)
    async with _connected(producer, producer.stop, failed):
        yield producer


@asynccontextmanager
async def _connected(
    client: Any, close: Callable[[], Awaitable[None]], failed: str
) -> AsyncIterator[None]:
    from aiokafka.errors import KafkaError

    try:
        await client.start()
        yield
    except (KafkaError, OSError) as error:
        raise BrokerError(f"{failed}: {error!r}") from error
    finally:
        await close()
