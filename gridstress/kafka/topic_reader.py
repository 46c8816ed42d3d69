"""Read a whole topic, or follow it, without a consumer group, so that no group rebalances.

Where a topic ends is taken from the last stable offset that comes with every fetch, not from
``end_offsets``: the embedded broker answers that question too low (base offset of the last batch
plus one), which would lose the end of the log without a word. Records of a transaction count once
it is committed, and while it is open the topic ends before it, as for the workers.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from gridstress.faust_fixes import fetched_batches
from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.kafka.probe import connection_error
from gridstress.kafka_connection import Where, connection
from topology.errors import BrokerError, DataError

logger = logging.getLogger(__name__)

POLL_MS = 200
STALL_S = 30.0
FETCH_BYTES = 8 << 20
FOLLOW_BYTES = 1 << 20
FOLLOW_RECORDS = 100
SPOT_BYTES = 16 << 10


@asynccontextmanager
async def _consumer(
    where: Where,
    isolation: str = "read_committed",
    fetch_bytes: int = FETCH_BYTES,
    group: str | None = None,
) -> AsyncIterator[Any]:
    fetched_batches.install()
    consumer = AIOKafkaConsumer(
        **connection(where),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation,
        fetch_max_wait_ms=POLL_MS,
        max_partition_fetch_bytes=fetch_bytes,
        request_timeout_ms=20_000,
    )
    try:
        await consumer.start()
    except (KafkaError, OSError) as error:
        await consumer.stop()
        raise await connection_error(where, error) from None
    try:
        yield consumer
    except KafkaError as error:
        raise BrokerError(f"the broker at {where} failed while reading: {error!r}") from None
    finally:
        await consumer.stop()


async def _partitions(where: Where, topic: str) -> list[int]:
    admin = AIOKafkaAdminClient(**connection(where), request_timeout_ms=20_000)
    try:
        await admin.start()
        # All topics first: asking for one that is missing would create it on some brokers.
        if topic not in await admin.list_topics():
            raise DataError(
                f"topic {topic} does not exist at {where}",
                hint="Topics are made by the first worker; has one run against this broker?",
            )
        (found,) = await admin.describe_topics([topic])
    except (KafkaError, OSError) as error:
        raise await connection_error(where, error) from None
    finally:
        await admin.close()
    return sorted(p["partition"] for p in found["partitions"])


async def _assign(consumer: Any, where: Where, topic: str) -> list[TopicPartition]:
    assigned = [TopicPartition(topic, p) for p in await _partitions(where, topic)]
    consumer.assign(assigned)
    await consumer.seek_to_beginning(*assigned)
    return assigned


async def _at_end(consumer: Any, tp: TopicPartition) -> bool:
    end = consumer.last_stable_offset(tp)
    return end is not None and await consumer.position(tp) >= end


async def partition_count(where: Where, topic: str) -> int:
    """Ask for the number of partitions of a topic.

    Raises
    ------
    DataError
        If the topic does not exist.
    BrokerError
        If no broker answers.
    """
    return len(await _partitions(where, topic))


async def log_ends(where: Where, topic: str, *, committed: bool = False) -> dict[int, int]:
    """Ask where the partitions of a topic end: the offset behind the last record of each.

    With ``committed`` where the first transaction begins that is still open, if there is one.

    Raises
    ------
    DataError
        If the topic does not exist.
    BrokerError
        If no broker answers.
    """
    isolation = "read_committed" if committed else "read_uncommitted"
    async with _consumer(where, isolation) as consumer:
        partitions = [TopicPartition(topic, p) for p in await _partitions(where, topic)]
        return {tp.partition: end for tp, end in (await consumer.end_offsets(partitions)).items()}


async def held_back(where: Where, topic: str) -> dict[int, int]:
    """Ask which partitions have an open transaction, and from which offset on records wait for it.

    Errors are as of `log_ends`.
    """
    ends = await log_ends(where, topic)
    readable = await log_ends(where, topic, committed=True)
    return {p: readable[p] for p, end in sorted(ends.items()) if readable[p] < end}


def held_back_text(topic: str, held: Mapping[int, int]) -> str:
    """Say what `held_back` has found in words."""
    places = ", ".join(f"partition {p} from offset {offset} on" for p, offset in held.items())
    return f"a transaction that is open holds back records of {topic}, {places}"


async def read_record(
    where: Where, topic: str, partition: int, offset: int
) -> ConsumerRecord | None:
    """Read the first record of a partition at this offset or behind it; None behind the last.

    Raises
    ------
    DataError
        If there is no such topic or partition.
    BrokerError
        If no broker answers, or nothing came for 30 s although there is a record.
    """
    loop = asyncio.get_running_loop()
    async with _consumer(where) as consumer:
        if partition not in await _partitions(where, topic):
            raise DataError(f"{topic} has no partition {partition}")
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        consumer.seek(tp, offset)
        deadline = loop.time() + STALL_S
        while loop.time() < deadline:
            for records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=1)).values():
                record: ConsumerRecord = records[0]
                return record
            if await _at_end(consumer, tp):
                return None
        raise BrokerError(f"{topic}/{partition}@{offset} gave nothing for {STALL_S:.0f} s")


async def scan_topic(
    where: Where, topic: str, *, follow: bool = False, begin: Mapping[int, int] | None = None
) -> AsyncGenerator[ConsumerRecord, None]:
    """Yield every record of a topic, each partition in its order, from the beginning to the end.

    A batch that cannot be decoded is one record whose value is `Undecodable`, and is logged.

    Parameters
    ----------
    follow
        Go on with what is written later, until the caller stops iterating.
    begin
        Offsets by partition to begin at, instead of the beginning.

    Raises
    ------
    DataError
        If the topic does not exist.
    BrokerError
        If no broker answers, or nothing came for 30 s although the end was not reached.
    """
    loop = asyncio.get_running_loop()
    async with _consumer(where) as consumer:
        left = set(await _assign(consumer, where, topic))
        for tp in left:
            if begin and tp.partition in begin:
                consumer.seek(tp, begin[tp.partition])
        deadline = loop.time() + STALL_S
        while left or follow:
            batches = await consumer.getmany(timeout_ms=POLL_MS)
            for records in batches.values():
                for record in records:
                    if isinstance(record.value, Undecodable):
                        place = f"{topic}/{record.partition}@{record.value.first}"
                        logger.warning("%s: left out a batch: %s", place, record.value.cause)
                    yield record
            before = len(left)
            left = {tp for tp in left if not await _at_end(consumer, tp)}
            if batches or len(left) < before or not left:
                deadline = loop.time() + STALL_S
            elif loop.time() > deadline:
                names = ", ".join(str(tp.partition) for tp in sorted(left))
                raise BrokerError(
                    f"{topic}: partition {names} gave nothing for {STALL_S:.0f} s before its end"
                )


async def read_topic(where: Where, topic: str) -> list[ConsumerRecord]:
    """Read the records of a topic, begin to end.

    Records of one partition are in the order of the log; see `scan_topic` for the errors.
    """
    return [record async for record in scan_topic(where, topic)]


class Follower:
    """Reads the partitions of several topics side by side, those that are wanted; see `followed`.

    ``begins`` are the offsets at which the partitions began when they were first read.
    """

    def __init__(self, consumer: Any, begins: Mapping[TopicPartition, int]) -> None:
        self._consumer = consumer
        self.begins = begins

    async def read(self, wanted: Collection[TopicPartition]) -> list[ConsumerRecord]:
        """Return the next records of some partitions, a hundred at most; waits shortly."""
        found = await self._consumer.getmany(
            *wanted, timeout_ms=POLL_MS, max_records=FOLLOW_RECORDS
        )
        return [record for records in found.values() for record in records]

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Go on reading a partition there."""
        self._consumer.seek(tp, offset)

    async def seek_to_begin(self) -> None:
        """Read all partitions from their beginning again."""
        await self._consumer.seek_to_beginning(*self.begins)

    def has_other_partitions(self) -> bool:
        """Whether topics have partitions that are not read, as far as the client knows."""
        read = {tp.topic: set[int]() for tp in self.begins}
        for tp in self.begins:
            read[tp.topic].add(tp.partition)
        return any(
            (there := self._consumer.partitions_for_topic(topic)) and there != partitions
            for topic, partitions in read.items()
        )

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit offsets for the group."""
        await self._consumer.commit(dict(offsets))

    async def to_end(self) -> AsyncIterator[ConsumerRecord]:
        """Read what there is, all partitions to where they end by then."""
        while True:
            for record in await self.read(self.begins):
                yield record
            if all([await _at_end(self._consumer, tp) for tp in self.begins]):
                return

    async def read_to_end_at(self, tp: TopicPartition) -> float | None:
        """When the broker last gave the end of a partition that is read to it, epoch seconds.

        None of one that has not.
        """
        if not await _at_end(self._consumer, tp):
            return None
        told_ms = self._consumer.last_poll_timestamp(tp)
        return None if told_ms is None else float(told_ms) / 1000


class SpotReader:
    """Reads single records of any partitions; see `spot_reader`."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    async def begins(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Ask where partitions begin."""
        found: dict[TopicPartition, int] = await self._consumer.beginning_offsets(list(tps))
        return found

    async def at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        """Read the first record of each partition at an offset or behind it.

        One that has none is left out.

        Raises
        ------
        BrokerError
            If nothing came for 30 s although there is a record.
        """
        loop, found = asyncio.get_running_loop(), dict[TopicPartition, Any]()
        if not offsets:
            return found
        self._consumer.assign(list(offsets))
        for tp, offset in offsets.items():
            self._consumer.seek(tp, offset)
        deadline, left = loop.time() + STALL_S, set(offsets)
        while left:
            for tp, records in (
                await self._consumer.getmany(*left, timeout_ms=POLL_MS, max_records=1)
            ).items():
                found[tp] = records[0]
            left = {tp for tp in left - found.keys() if not await _at_end(self._consumer, tp)}
            if loop.time() > deadline:
                raise BrokerError(f"{len(left)} partitions gave nothing for {STALL_S:.0f} s")
        return found


@asynccontextmanager
async def spot_reader(where: Where) -> AsyncIterator[SpotReader]:
    """Read single records with one connection; errors as of `read_record`."""
    async with _consumer(where, fetch_bytes=SPOT_BYTES) as consumer:
        yield SpotReader(consumer)


@asynccontextmanager
async def followed(
    where: Where,
    topics: Collection[str],
    group: str | None = None,
    *,
    tail: Mapping[str, int] | None = None,
) -> AsyncIterator[Follower]:
    """Follow several topics from their beginning; errors as of `scan_topic`.

    A ``group`` only keeps what is committed: all partitions are this consumer's. Of a topic
    in ``tail`` only so many of the last records of each partition are read, or some more, and what
    follows.
    """
    async with _consumer(where, fetch_bytes=FOLLOW_BYTES, group=group) as consumer:
        assigned = [TopicPartition(t, p) for t in topics for p in await _partitions(where, t)]
        consumer.assign(assigned)
        await consumer.seek_to_beginning(*assigned)
        begins = await consumer.beginning_offsets(assigned)
        short = [tp for tp in assigned if tail and tp.topic in tail]
        ends = await consumer.end_offsets(short) if short else {}
        for tp in short:
            consumer.seek(tp, max(begins[tp], ends[tp] - (tail or {})[tp.topic]))
        yield Follower(consumer, begins)
