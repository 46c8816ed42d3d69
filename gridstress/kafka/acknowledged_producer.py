"""The command line's Kafka producer: sent means acknowledged, and every wait has an end."""

import asyncio
import logging
from asyncio import Future
from typing import Any, Self

from gridstress.kafka.probe import is_embedded
from gridstress.kafka_connection import connection
from gridstress.settings import Settings

NOTICE_S, GIVE_UP_S = 10.0, 60.0
"""Seconds without an acknowledgement until a warning, and until an error. An idempotent producer
itself waits for ever, for a broker that hangs or that lacks replicas in sync."""

CLOSE_S = 5.0
"""How long the connection may take to close, s."""

logger = logging.getLogger(__name__)


class AcknowledgedProducer:
    """Sends records that all replicas acknowledge, idempotently where the broker can.

    Parameters
    ----------
    max_bytes
        Largest request, bytes.
    """

    def __init__(self, settings: Settings, *, max_bytes: int) -> None:
        self._settings, self._max_bytes = settings, max_bytes
        self._producer: Any = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises
        ------
        KafkaError, OSError
            If no broker answers.
        """
        from aiokafka import AIOKafkaProducer

        settings = self._settings
        kind = settings.known_kind
        embedded = await is_embedded(settings.kafka) if kind == "auto" else kind == "embedded"
        self._producer = AIOKafkaProducer(
            **connection(settings.kafka),
            acks="all",
            # The embedded broker refuses the request for a producer id.
            enable_idempotence=not embedded,
            max_request_size=self._max_bytes,
        )
        try:
            await self._producer.start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection; records without an acknowledgement are given up."""
        await self._close()

    async def partitions_of(self, topic: str) -> int:
        """How many partitions a topic has."""
        return len(await self._producer.partitions_for(topic))

    async def send(
        self, topic: str, value: bytes | None, *, key: bytes | None, partition: int | None = None
    ) -> Future[Any]:
        """Send a record; the future is for `wait`.

        Raises
        ------
        KafkaError
            If it is too large, or the producer has no room for it.
        """
        future: Future[Any] = await self._producer.send(topic, value, key=key, partition=partition)
        return future

    async def wait(self, sent: Future[Any]) -> None:
        """Wait until a record is acknowledged; warn after ``NOTICE_S``.

        Raises
        ------
        KafkaError
            If the broker refuses it, or acknowledges nothing for ``GIVE_UP_S``.
        """
        from aiokafka.errors import KafkaTimeoutError

        if not sent.done():
            await asyncio.wait({sent}, timeout=NOTICE_S)
        if not sent.done():
            where = self._settings.bootstrap
            logger.warning("the broker at %s has acknowledged nothing for %.0f s", where, NOTICE_S)
            await asyncio.wait({sent}, timeout=GIVE_UP_S - NOTICE_S)
        if not sent.done():
            sent.cancel()
            raise KafkaTimeoutError(f"no acknowledgement for {GIVE_UP_S:.0f} s")
        await sent

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(self._producer.stop(), CLOSE_S)
        except TimeoutError:  # it waits for records that were given up
            await self._producer.client.close()
