"""Sending with acknowledgement: a stage awaits the broker for everything it has sent."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_BYTES = 8 << 20

Header = tuple[str, bytes]
Record = tuple[bytes, bytes, list[Header]]
"""Key, value and headers."""


class Sender(Protocol):
    """Where raw records are sent to, one by one."""

    async def send(
        self, *, key: bytes, value: bytes | None, partition: int | None = None, headers: Any = None
    ) -> Awaitable[Any]:
        """Hand a record over; what comes back is done when the broker has acknowledged it."""
        ...


class Topic(Sender, Protocol):
    """Where raw records are sent to."""

    async def send_many(
        self, partition: int, records: Sequence[Record]
    ) -> Sequence[Awaitable[Any]]:
        """Hand records over, in order; what comes back is done when all are there."""
        ...


@dataclass(slots=True)
class Outbox:
    """Collects records and sends them together; those of a topic and partition keep their order."""

    _waiting: dict[tuple[int, int], tuple[Topic, list[Record]]] = field(default_factory=dict)
    _size: int = 0

    def add(self, topic: Topic, key: str, value: bytes, partition: int, *headers: Header) -> None:
        """Take a record."""
        self.extend(topic, partition, [(key.encode(), value, list(headers))])

    def extend(self, topic: Topic, partition: int, records: Sequence[Record]) -> None:
        """Take records, in this order."""
        _, waiting = self._waiting.setdefault((id(topic), partition), (topic, []))
        waiting += records
        self._size += sum(len(value) for _, value, _ in records)

    async def flush_if_full(self) -> None:
        """If many records have come together, send them and wait until the broker has them."""
        if self._size >= MAX_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Send all that was taken, and wait until the broker has it."""
        waiting, self._waiting, self._size = self._waiting, {}, 0
        sent = [
            delivery
            for (_, partition), (topic, records) in waiting.items()
            for delivery in await topic.send_many(partition, records)
        ]
        await asyncio.gather(*sent)
