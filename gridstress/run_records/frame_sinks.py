"""Destinations of a replay: a Kafka topic, or a file."""

from asyncio import Future
from collections import deque
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, Self

from msgspec import Struct

from gridstress.group_settings.settings_log import read_log
from gridstress.kafka.acknowledged_producer import AcknowledgedProducer
from gridstress.kafka.topics import (
    MAX_FRAME_BYTES,
    MEASUREMENTS,
    ensure_topics,
    zone_partition,
)
from gridstress.settings import Settings
from topology.codec import encode
from topology.errors import BrokerError, DataError, UsageError
from topology.messages import MeasurementFrame

MAX_IN_FLIGHT = 200
"""Messages without an acknowledgement at most, so that memory stays bounded at full speed."""


class Sink(Protocol):
    """Takes frames in order; after ``flush`` they are kept for good."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None: ...

    async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
        """Send frames; may return before they are kept."""

    async def flush(self) -> None:
        """Wait until everything sent is kept."""


class KafkaSink:
    """Sends to ``grid_measurements``, acknowledged by all replicas, idempotent where it can be.

    ``zones`` are all of the grid.
    """

    def __init__(self, settings: Settings, zones: tuple[str, ...]) -> None:
        self._settings, self._zones = settings, zones
        self._producer = AcknowledgedProducer(settings, max_bytes=MAX_FRAME_BYTES)
        self._partitions = 0
        self._ended_runs: frozenset[str] = frozenset()
        self._in_flight: deque[Future[Any]] = deque()

    async def __aenter__(self) -> Self:
        """Connect, and make the topics that are missing.

        Raises
        ------
        BrokerError
            If no broker answers.
        """
        from aiokafka.errors import KafkaError

        await ensure_topics(self._settings)
        group = await read_log(self._settings)
        self._ended_runs = group.ended_runs if group else frozenset()
        try:
            async with AsyncExitStack() as undo:
                await undo.enter_async_context(self._producer)
                self._partitions = await self._producer.partitions_of(MEASUREMENTS)
                undo.pop_all()
        except (KafkaError, OSError) as error:
            raise self._failed(error) from error
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close the connection; what is still under way is given up if an error ended the run."""
        for future in self._in_flight:
            future.cancel()
        self._in_flight.clear()
        await self._producer.__aexit__(*error)

    def check(self, run: str) -> None:
        """Refuse a run that was ended when other settings were accepted: workers would, too.

        Raises
        ------
        UsageError
            If it was.
        """
        if run in self._ended_runs:
            raise UsageError(
                f"run {run!r} was ended when other settings were accepted",
                hint="give the run another name",
            )

    async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
        """Hand frames to the producer, waiting while ``MAX_IN_FLIGHT`` are unacknowledged.

        Raises
        ------
        UsageError
            As of `check`.
        BrokerError
            If the broker does not take an earlier frame.
        DataError
            If a frame is larger than a message may be.
        """
        from aiokafka.errors import KafkaError, MessageSizeTooLargeError

        try:
            for frame in frames:
                self.check(frame.run)
                while len(self._in_flight) >= MAX_IN_FLIGHT:
                    await self._producer.wait(self._in_flight.popleft())
                future = await self._producer.send(
                    MEASUREMENTS,
                    encode(frame),
                    key=frame.zone.encode(),
                    partition=zone_partition(frame.zone, self._zones, self._partitions),
                )
                self._in_flight.append(future)
        except MessageSizeTooLargeError:
            raise DataError(
                f"zone {frame.zone!r} with {len(frame.nodes)} nodes does not fit into a message "
                f"of {MAX_FRAME_BYTES:,} bytes",
                hint="divide the zone in the topology",
            ) from None
        except KafkaError as error:
            raise self._failed(error) from error

    async def flush(self) -> None:
        """Wait for every acknowledgement.

        Raises
        ------
        BrokerError
            If one does not come.
        """
        from aiokafka.errors import KafkaError

        try:
            while self._in_flight:
                await self._producer.wait(self._in_flight.popleft())
        except KafkaError as error:
            raise self._failed(error) from error

    async def write(self, topic: str, key: str, record: Struct | None) -> None:
        """Write a record to another topic, None to delete it; returns once it is kept.

        Raises
        ------
        BrokerError
            If the broker does not take it.
        """
        from aiokafka.errors import KafkaError

        value = None if record is None else encode(record)
        try:
            await self._producer.wait(await self._producer.send(topic, value, key=key.encode()))
        except KafkaError as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> BrokerError:
        return BrokerError(
            f"the broker at {self._settings.bootstrap} did not take the frames: {error!r}",
            hint="is it still running, with enough replicas in sync (`gridstress doctor`)? The "
            "same --run can be sent again, or from where it stopped with --resume: rows keep "
            "their numbers",
        )


class FileSink:
    """Writes frames as JSON lines, as they would have been sent.

    Raises
    ------
    DataError
        If the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aenter__(self) -> Self:
        """Open the file anew."""
        with self._writing():
            self._file = self._path.open("wb")
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Close the file; after an error what is left to be written is given up."""
        with suppress(OSError) if kind else self._writing():
            self._file.close()

    async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
        """Write a line a frame."""
        with self._writing():
            self._file.writelines(encode(frame) + b"\n" for frame in frames)

    async def flush(self) -> None:
        """Hand everything to the operating system."""
        with self._writing():
            self._file.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"{self._path}: cannot be written: {error.strerror}") from None
