"""Batches that cannot be decoded and that an operator has let the workers skip.

The mark is a dead letter `undecodable` with the batch's bytes: it tells the workers to go on, and
everybody else what is missing.
"""

import asyncio
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agents.dead_letters import DeadLetters
from gridstress.admin.dead_letters import UNDECODABLE, DeadLetter, read_dead_letters
from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.kafka import topics
from gridstress.kafka_connection import connection
from topology.errors import BrokerError, UsageError

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
    async with _Outlet(where) as outlet:
        dead_letters = DeadLetters(outlet)
        event = SimpleNamespace(message=message)
        cause = record.value.cause
        await dead_letters.send(event, "operator", UNDECODABLE, cause, upto=str(upto))
    (dead_letter,) = await read_dead_letters(where, lambda one: one.id == outlet.last_id)
    return dead_letter


class _Outlet:
    """The topic of dead letters, for one who is no worker."""

    def __init__(self, where: "Where") -> None:
        from aiokafka import AIOKafkaProducer

        self._producer = AIOKafkaProducer(
            **connection(where), acks="all", max_request_size=topics.MAX_RECORD_BYTES
        )
        #: Id of the dead letter that was sent last.
        self.last_id = ""

    async def __aenter__(self) -> "_Outlet":
        from aiokafka.errors import KafkaError

        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise BrokerError(f"the broker does not answer: {error!r}") from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def send(
        self,
        *,
        key: bytes,
        value: bytes | None,
        partition: int | None = None,
        headers: Any = None,
    ) -> Awaitable[Any]:
        """Send a dead letter; what comes back is done already."""
        from aiokafka.errors import KafkaError

        try:
            sent = await self._producer.send_and_wait(
                topics.DEAD_LETTERS, value, key=key, headers=list(headers.items())
            )
        except (KafkaError, OSError) as error:
            raise BrokerError(f"the broker did not take the dead letter: {error!r}") from None
        self.last_id = f"{sent.partition}:{sent.offset}"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done
