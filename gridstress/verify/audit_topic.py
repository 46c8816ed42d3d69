"""Publish how far runs have been audited, on the topic ``audit``."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from gridstress.kafka.topics import AUDIT
from gridstress.kafka_connection import connection
from gridstress.settings import Settings
from gridstress.verify.collect import check_partitions
from topology.errors import BrokerError
from ui.schema.audit import AuditStatus


@asynccontextmanager
async def status_writer(
    settings: Settings,
) -> AsyncIterator[Callable[[AuditStatus], Awaitable[None]]]:
    """Give what writes a run's state to the topic.

    Raises
    ------
    DataError
        If there is no such topic: the workers, which make it, are older.
    BrokerError
        If the broker does not answer, or does not take a record.
    """
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    await check_partitions(settings.kafka, AUDIT, settings.partitions)
    producer = AIOKafkaProducer(**connection(settings.kafka), acks="all")

    async def tell(status: AuditStatus) -> None:
        await producer.send_and_wait(AUDIT, msgspec.json.encode(status), status.run.encode())

    try:
        await producer.start()
        yield tell
    except (KafkaError, OSError) as error:
        raise BrokerError(f"the state of the audit could not be written: {error!r}") from error
    finally:
        await producer.stop()
