"""Changelog takeover: replay it, fence the previous owner, catch up, rewrite overwritten keys.

This is a compare-and-set on the log (the rule is in `fencing`): a fence with the number after the
last one read wins only if no other worker has taken that number in between. Before it is sent, the
group's coordinator must say that this worker is still a member; else one that slept in the
middle of a recovery could fence off the worker that has its partitions by now.

A log that compaction has left without its last records is read to its end; stock Faust waits for
them (faust-streaming 176).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiokafka
from aiokafka.errors import KafkaConnectionError
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from gridstress.faust_fixes.errors import FaustFixError
from gridstress.faust_fixes.fenced_table import FencedTable
from gridstress.faust_fixes.fencing import MAX_NUMBER, NO_OWNER, Epoch, counts, is_fence
from gridstress.faust_fixes.fetched_batches import Undecodable

STALL_S = 45.0
"""A log that gives nothing for so long before its end is out of reach. A broker that is started
again takes less."""

_FETCH_BYTES = 8 << 20
_POLL_MS = 250

logger = logging.getLogger(__name__)


@dataclass
class ChangelogReplica:
    """What this worker knows of one changelog partition, and what its local table is worth.

    Attributes
    ----------
    owner
        The name of this process in its epochs.
    position
        Offset of the next record to be read.
    current
        Epoch of the last record that counted.
    agreed
        Whether the table was once all that counts in the log up to a fence of ours. It still is
        if only we have written since; then our own records are in it already.
    overlaid
        Keys whose last record does not count: compaction might keep that one and lose the
        record that does.
    passed_over
        How many records did not count.
    """

    tp: TP
    table: FencedTable
    owner: str
    position: int = 0
    current: Epoch = NO_OWNER
    agreed: bool = False
    overlaid: set[bytes] = field(default_factory=set)
    passed_over: int = 0

    def restart(self) -> None:
        """Begin anew, with an empty table."""
        self.table.drop(self.tp.partition)
        self.position, self.current, self.agreed, self.passed_over = 0, NO_OWNER, False, 0
        self.overlaid.clear()

    def take(self, records: Iterable[Any]) -> list[Any] | None:
        """Read on: the records to be applied, or None if the table is no copy of the log.

        Raises
        ------
        FaustFixError
            If a record cannot be decoded: its content would be lost.
        """
        to_apply = []
        for record in records:
            if isinstance(record.value, Undecodable):
                raise _useless(self.tp, record.value.first, record.value.cause)
            self.position = record.offset + 1
            epoch = Epoch.of(record.headers or ())
            counted, own = counts(epoch, self.current), epoch.owner == self.owner
            if self.agreed and counted != own:
                return None  # another one's write counts, or one of ours does not
            if counted and epoch.number >= MAX_NUMBER:
                raise _useless(self.tp, record.offset, f"epoch {epoch.number} has no successor")
            if counted:
                self.current = epoch
            else:
                self.passed_over += 1
            if record.key is None or is_fence(record.key):
                continue
            if not counted:
                self.overlaid.add(record.key)
                continue
            self.overlaid.discard(record.key)
            if not self.agreed:
                to_apply.append(record)
        return to_apply


class Takeover:
    """Takes changelog partitions over.

    Parameters
    ----------
    app
        The Faust app, for its producer.
    consumer_arguments
        What it takes to reach the broker, for aiokafka.
    still_member
        Returns when the group's coordinator has confirmed that the partitions are this worker's;
        raises if they are not.
    """

    def __init__(
        self,
        app: Any,
        consumer_arguments: Mapping[str, Any],
        still_member: Callable[[], Awaitable[None]],
    ) -> None:
        self._app, self._still_member = app, still_member
        self._arguments = consumer_arguments

    async def run(self, replicas: Iterable[ChangelogReplica]) -> None:
        """Bring the tables up to date, and make this worker the one whose writes count.

        Raises
        ------
        FaustFixError
            If a log gives nothing for `STALL_S` before its end.
        """
        by_tp = {aiokafka.TopicPartition(*replica.tp): replica for replica in replicas}
        if not by_tp:
            return
        reader = aiokafka.AIOKafkaConsumer(
            **self._arguments,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_POLL_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        try:
            await self._connect(reader)
            reader.assign(list(by_tp))
            for tp, replica in by_tp.items():
                reader.seek(tp, replica.position)
            await self._claim_ownership(reader, by_tp)
        finally:
            await reader.stop()
        for replica in by_tp.values():
            await self._rewrite_overlaid_keys(replica)

    async def _connect(self, reader: Any) -> None:
        deadline = time.monotonic() + STALL_S
        while True:
            try:
                await reader.start()
            except KafkaConnectionError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_POLL_MS / 1000)
            else:
                return

    async def _claim_ownership(self, reader: Any, replicas: Mapping[Any, ChangelogReplica]) -> None:
        left = dict(replicas)
        while left:
            ends = await reader.end_offsets(list(left))
            for tp, replica in left.items():
                if replica.position > ends[tp]:
                    replica.restart()  # the broker has lost what we had read
                    reader.seek(tp, 0)
            await self._read(reader, left, ends)
            await self._still_member()
            epochs = {tp: Epoch(c.current.number + 1, c.owner) for tp, c in left.items()}
            sent = {
                tp: await self._send(tp, epoch.fence_key, b"", epoch)
                for tp, epoch in epochs.items()
            }
            ends = {tp: (await delivery).offset + 1 for tp, delivery in sent.items()}
            await self._read(reader, left, ends)
            for tp, epoch in epochs.items():
                if left[tp].current != epoch:
                    logger.warning("%s: another worker was faster, trying again", replicas[tp].tp)
                    continue
                replica = left.pop(tp)
                replica.agreed = True
                replica.table.epochs[tp.partition] = epoch

    async def _read(
        self, reader: Any, replicas: Mapping[Any, ChangelogReplica], ends: Mapping[Any, int]
    ) -> None:
        left = {tp for tp in replicas if replicas[tp].position < ends[tp]}
        deadline = time.monotonic() + STALL_S
        while left:
            for tp, records in (await reader.getmany(*left, timeout_ms=_POLL_MS)).items():
                deadline = time.monotonic() + STALL_S
                await self._apply(reader, tp, replicas[tp], records)
            # A compacted log may end in a hole, which only the reader's own position shows.
            left = {tp for tp in left if await reader.position(tp) < ends[tp]}
            if left and time.monotonic() > deadline:
                names = ", ".join(sorted(f"{tp.topic}/{tp.partition}" for tp in left))
                raise FaustFixError(f"changelog {names} gave nothing for {STALL_S:g} s")

    async def _apply(
        self, reader: Any, tp: Any, replica: ChangelogReplica, records: list[Any]
    ) -> None:
        to_apply = replica.take(records)
        if to_apply is None:
            logger.warning("%s has had another owner; its table is read anew", replica.tp)
            replica.restart()
            reader.seek(tp, 0)
        elif to_apply:
            topic: Any = replica.table.changelog_topic
            try:
                for record in to_apply:
                    if record.value is not None:
                        replica.table.check(record.value)
                events = [await topic.decode(_message(r), propagate=True) for r in to_apply]
            except BaseException:
                replica.restart()  # interrupted: these are read, but not applied
                raise
            replica.table.apply_changelog_batch(events)

    async def _rewrite_overlaid_keys(self, replica: ChangelogReplica) -> None:
        """Write again what compaction could lose to records that do not count."""
        if replica.passed_over:
            logger.warning(
                "%s: passed over %d records of former owners, writes %d keys again",
                replica.tp,
                replica.passed_over,
                len(replica.overlaid),
            )
        sent = [
            await self._send(
                replica.tp, key, replica.table.stored(replica.tp.partition, key), replica.current
            )
            for key in sorted(replica.overlaid)
        ]
        for delivery in sent:
            await delivery
        replica.overlaid.clear()
        replica.passed_over = 0

    async def _send(self, tp: Any, key: bytes, value: bytes | None, epoch: Epoch) -> Any:
        headers = [epoch.header]
        return await self._app.producer.send(tp.topic, key, value, tp.partition, None, headers)


def _useless(tp: TP, offset: int, why: str) -> FaustFixError:
    return FaustFixError(
        f"changelog {tp.topic}/{tp.partition}@{offset}: {why}",
        hint="repair the log, or begin anew with a group of its own",
    )


def _message(record: Any) -> ConsumerMessage:
    return ConsumerMessage(
        record.topic,
        record.partition,
        record.offset,
        (record.timestamp or 0) / 1000,
        record.timestamp_type,
        record.headers,
        record.key,
        record.value,
        record.checksum,
        record.serialized_key_size,
        record.serialized_value_size,
        TP(record.topic, record.partition),
    )
