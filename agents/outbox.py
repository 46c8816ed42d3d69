"""Sending, such that a stage knows when the broker has everything."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol


class Topic(Protocol):
    """The part of a Faust topic that is used here: raw keys and values."""

    async def send(
        self, *, key: bytes, value: bytes | None, partition: int | None = None, headers: Any = None
    ) -> Awaitable[Any]:
        """Hand a record over; what comes back is done when the broker has acknowledged it."""
        ...


class Outbox:
    """Records on their way; at most ``limit`` of them are unacknowledged at a time."""

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._sent: list[Awaitable[Any]] = []

    async def send(
        self, topic: Topic, key: str, value: bytes | None, *, partition: int | None = None
    ) -> None:
        """Send a record; waits when too many are on their way."""
        self._sent.append(await topic.send(key=key.encode(), value=value, partition=partition))
        if len(self._sent) >= self._limit:
            await self.acknowledged()

    async def acknowledged(self) -> None:
        """Wait until the broker has acknowledged everything that was sent."""
        sent, self._sent = self._sent, []
        await asyncio.gather(*sent)
