"""Publish how far runs have been audited, on the topic ``audit``."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from gridstress.kafka.clients import producer_client
from gridstress.kafka.topics import AUDIT
from gridstress.settings import Settings
from gridstress.verify.collect import check_partitions
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
    await check_partitions(settings.kafka, AUDIT, settings.partitions)
    failed = "the state of the audit could not be written"
    async with producer_client(settings.kafka, failed) as producer:

        async def tell(status: AuditStatus) -> None:
            await producer.send_and_wait(AUDIT, msgspec.json.encode(status), status.run.encode())

        yield tell
