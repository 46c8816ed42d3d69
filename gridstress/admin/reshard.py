"""Change the number of partitions of a system that has data.

A node's state lies where its shard does, and which shard that is depends on the number: state
cannot move. But all of it follows from the measurements, so these are kept in a file, every topic
is made anew with the other number, and the measurements are sent again.
"""

import asyncio
import fcntl
import heapq
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, TYPE_CHECKING, Any

from gridstress.kafka.clients import admin_client, producer_client
from gridstress.kafka.topic_reader import held_back, held_back_text, log_ends, scan_topic
from gridstress.kafka.topics import (
    DEAD_LETTERS,
    MEASUREMENTS,
    RESHARDED,
    ensure_topics,
    topic_specs,
)
from gridstress.run_records.frame_sinks import KafkaSink
from gridstress.settings import Settings
from topology.codec import decode, encode
from topology.errors import BrokerError, DataError, MessageError, UsageError
from topology.grid import Grid
from topology.messages import MeasurementFrame

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

GONE_S = 60.0
"""How long a broker may take to delete topics and what was committed on them, s."""

Say = Callable[[str], None]


@contextmanager
def without_archive(home: Path) -> Iterator[None]:
    """Keep every archive in the directory `home` from being written for the length of a block.

    One that runs would read on in topics that are deleted, and its consumer group has no members
    that would show it.

    Raises
    ------
    UsageError
        If one is being written.
    """
    with ExitStack() as held:
        with suppress(OSError):  # there is no archive, or none that we could write
            lock = held.enter_context((home / "lock").open("rb"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"the archive {home} is being written", hint="stop `gridstress archive` first"
                ) from None
        yield


@dataclass(frozen=True)
class Saved:
    """How many frames were kept, and where the partitions of the measurements ended by then."""

    frames: int
    ends: dict[int, int]


async def save(settings: Settings, path: Path) -> Saved:
    """Keep all measurements in a file of frames, in the order in which they were sent.

    What the workers have refused is left out. The file is there when it is complete.

    Raises
    ------
    UsageError
        If a transaction is open: its records cannot be read yet.
    DataError
        If the file cannot be written.
    BrokerError
        If no broker answers.
    """
    ends = await log_ends(settings.kafka, MEASUREMENTS)
    if held := await held_back(settings.kafka, MEASUREMENTS):
        raise UsageError(
            held_back_text(MEASUREMENTS, held),
            hint="stop its producer; the broker ends it after the producer's "
            "transaction.timeout.ms",
        )
    part = path.with_name(path.name + ".part")
    with _writing(path, part), ExitStack() as files:
        spools: dict[int, IO[bytes]] = {}
        async for record in scan_topic(settings.kafka, MEASUREMENTS):
            try:
                frame = decode(record.value, MeasurementFrame)
            except MessageError:
                continue
            if record.partition not in spools:
                spools[record.partition] = files.enter_context(TemporaryFile())
            spools[record.partition].write(b"%d %s\n" % (record.timestamp, encode(frame)))
        count = _merge(spools, part)
        part.rename(path)
    return Saved(count, ends)


@contextmanager
def _writing(path: Path, part: Path) -> Iterator[None]:
    """Name the file that could not be written, and leave no part of it."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise DataError(
            f"{path}: cannot be written: {error.strerror}",
            hint=f"nothing has been deleted; temporary files go to {gettempdir()} (TMPDIR)",
        ) from None


def _merge(spools: dict[int, IO[bytes]], path: Path) -> int:
    def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        file.seek(0)
        for line in file:
            sent_ms, _, frame = line.partition(b" ")
            yield int(sent_ms), frame

    count = 0
    with path.open("wb") as output:
        ordered = (lines(spools[partition]) for partition in sorted(spools))
        for _, frame in heapq.merge(*ordered, key=lambda line: line[0]):
            output.write(frame)
            count += 1
        output.flush()
        os.fsync(output.fileno())
    return count


async def drop_topics(settings: Settings, saved: Saved | None = None) -> None:
    """Delete every topic that the number of partitions matters to, and wait until it is done.

    Each partition of the dead letters gets a mark: what lies before it is of the former topics.

    Raises
    ------
    UsageError
        If workers are in the group, or measurements have come since they were saved.
    BrokerError
        If the broker does not delete one, or remembers what was committed.
    """
    async with admin_client(settings.kafka, "the topics could not be deleted") as admin:
        if members := await count_members(admin, settings.group):
            raise UsageError(
                f"{members} workers are in the group {settings.group!r}", hint="stop them first"
            )
        if saved is not None and await log_ends(settings.kafka, MEASUREMENTS) != saved.ends:
            raise UsageError(
                "measurements have come since the file was written: nothing has been deleted",
                hint="stop every feed and replay, remove the file, and begin again",
            )
        existing = set(await admin.list_topics())
        doomed = [s.name for s in topic_specs(settings) if not s.any_count and s.name in existing]
        answer = await admin.delete_topics(doomed) if doomed else None
        for name, code in answer.topic_error_codes if answer else ():
            if code:
                raise BrokerError(f"the broker did not delete topic {name}: error {code}")
        await _forgotten(admin, settings.group, set(doomed))
        if DEAD_LETTERS in existing:
            await _mark_former_dead_letters(settings)


async def _mark_former_dead_letters(settings: Settings) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    texts = {
        "stage": "reshard",
        "reason": RESHARDED,
        "detail": "all topics were made anew; earlier dead letters are of the former topics",
        "at": at,
    }
    headers = [(name, text.encode()) for name, text in texts.items()]
    async with producer_client(settings.kafka, "the dead letters could not be marked") as producer:
        for partition in sorted(await producer.partitions_for(DEAD_LETTERS)):
            await producer.send_and_wait(
                DEAD_LETTERS, partition=partition, key=b"", headers=headers
            )


async def count_members(admin: "AIOKafkaAdminClient", group: str) -> int:
    """How many workers the group's coordinator knows."""
    members = 0
    for answer in await admin.describe_consumer_groups([group]):
        for _, _, _, _, _, found, *_ in answer.groups:
            members += len(found)
    return members


async def _forgotten(admin: "AIOKafkaAdminClient", group: str, topics: set[str]) -> None:
    # A position that is remembered would skip as many records of the new topics.
    deadline = time.monotonic() + GONE_S
    while True:
        there = topics & set(await admin.list_topics())
        kept: dict[Any, Any] = await admin.list_consumer_group_offsets(group)
        there |= {tp.topic for tp, position in kept.items() if position.offset >= 0} & topics
        if not there:
            return
        if time.monotonic() > deadline:
            raise BrokerError(f"the broker still remembers {', '.join(sorted(there))}")
        await asyncio.sleep(0.2)


async def send_again(settings: Settings, grid: Grid, path: Path) -> int:
    """Make the topics with the number of partitions of the settings, and send a file of frames.

    Returns
    -------
    int
        How many frames.

    Raises
    ------
    DataError
        If the file cannot be read, or a frame is not of the grid.
    BrokerError
        If the broker does not take one. It can be repeated: rows keep their numbers.
    """
    await ensure_topics(settings)
    count = 0
    try:
        with path.open("rb") as lines:
            async with KafkaSink(settings, grid.zones) as sink:
                for line in lines:
                    frame = decode(line, MeasurementFrame)
                    if frame.zone in grid.zones:  # else it was refused, and would be again
                        await sink.send((frame,))
                        count += 1
                await sink.flush()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    return count
