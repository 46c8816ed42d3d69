"""Batches that cannot be decoded and that an operator has let the workers skip.

The mark is a dead letter `undecodable` with the batch's bytes: it tells the workers to go on, and
everybody else what is missing.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agents.dead_letters import DeadLetters
from gridstress.admin.dead_letters import UNDECODABLE, DeadLetter, read_dead_letters
from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.kafka import topics
from gridstress.kafka.clients import producer_client
from topology.errors import UsageError

if TYPE_CHECKING:
    from gridstress.kafka_connection import Where


async def is_skipped(where: "Where", topic: str, partition: int, first: int) -> bool:
    """Return whether there is a mark for the batch whose first unreadable offset is `first`.

    Raises
    ------
    BrokerError, DataError
        If the dead letters cannot be read.
    """

    def marks(dead_letter: DeadLetter) -> bool:
        place = dead_letter.topic, dead_letter.origin_partition, dead_letter.origin_offset
        return dead_letter.reason == UNDECODABLE and place == (topic, partition, first)

    return bool(await read_dead_letters(where, marks))


async def skip_batch(where: "Where", topic: str, partition: int, offset: int) -> DeadLetter:
    """Mark a batch as one to pass over; return once the broker has the mark.

    Raises
    ------
    UsageError
        If what begins at that offset can be read, or there is nothing.
    BrokerError, DataError
        If the broker does not answer or does not take the mark; if there is no such partition.
    """
    from gridstress.kafka.topic_reader import read_record

    record = await read_record(where, topic, partition, offset)
    place = f"{topic}/{partition}@{offset}"
    if record is None:
        raise UsageError(f"{place}: there is no record")
    if not isinstance(record.value, Undecodable):
        raise UsageError(f"{place}: the record can be read, so it is not passed over")
    if record.value.first != offset:
        raise UsageError(f"{place}: the batch that cannot be read begins at {record.value.first}")
    upto = record.offset + 1
    message = SimpleNamespace(
        topic=topic, partition=partition, offset=offset, key=b"", value=bytes(record.value)
    )
    failed, size = "the dead letter could not be written", topics.MAX_RECORD_BYTES
    async with producer_client(where, failed, max_request_size=size) as producer:
        outlet = _Outlet(producer)
        event = SimpleNamespace(message=message)
        cause = record.value.cause
        await DeadLetters(outlet).send(event, "operator", UNDECODABLE, cause, upto=str(upto))
    (dead_letter,) = await read_dead_letters(where, lambda one: one.id == outlet.last_id)
    return dead_letter


@dataclass
class _Outlet:
    """The dead-letter topic, without a worker; ``last_id`` is of the last one sent."""

    producer: Any
    last_id: str = ""

    async def send(
        self, *, key: bytes, value: bytes | None, partition: int | None = None, headers: Any = None
    ) -> Awaitable[Any]:
        """Send a dead letter; what comes back has nothing left to wait for."""
        sent = await self.producer.send_and_wait(
            topics.DEAD_LETTERS, value, key=key, headers=list(headers.items())
        )
        self.last_id = f"{sent.partition}:{sent.offset}"
        return asyncio.sleep(0)
