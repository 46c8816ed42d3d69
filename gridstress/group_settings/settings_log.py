"""The log of a group's settings: read it, write to it, join it at a worker's start."""

import os
import socket
import uuid
from datetime import UTC, datetime

import msgspec

from gridstress.group_settings.rule import (
    GroupSettings,
    Mine,
    SettingsRecord,
    agrees,
    differences,
    read_record,
    settle,
)
from gridstress.kafka import topics
from gridstress.kafka.clients import producer_client
from gridstress.kafka.topic_reader import read_topic
from gridstress.settings import Settings
from topology.errors import BrokerError, DataError, GridstressError


async def read_log(settings: Settings) -> GroupSettings | None:
    """Read what the group's settings are; None if no worker has settled them yet.

    Raises
    ------
    BrokerError
        If the broker does not answer.
    GridstressError
        If a newer gridstress has written to the log.
    """
    try:
        return settle(await _records(settings))
    except DataError:
        return None  # no such topic


async def join(settings: Settings, mine: Mine) -> GroupSettings:
    """Make sure that a worker has the settings of its group; settle them if none are.

    The topic must exist. It is a compare-and-set on the log: a worker that finds nothing, or no
    value of a component that it knows, writes its own and reads back what counts.

    Raises
    ------
    GridstressError
        Naming what differs, or while other settings are being accepted.
    BrokerError
        If the broker does not answer, or has lost the record.
    """
    group = await _settled(settings)
    if group is None or _adds(group, mine):
        await append(settings, mine.record("first", at=now(), by=who()))
        group = await _settled(settings)
    if group is None:
        raise BrokerError(f"{topics.settings_log(settings.group)} lost what was written to it")
    check_same(settings, group, mine)
    return group


async def find(settings: Settings, mine: Mine) -> GroupSettings | None:
    """Make sure, without writing, that a view server has the settings of its group.

    None if no worker has settled them yet. Errors as of `join`.
    """
    try:
        group = await _settled(settings)
    except DataError:
        return None  # no such topic
    if group is not None:
        check_same(settings, group, mine)
    return group


def check_same(settings: Settings, group: GroupSettings, mine: Mine) -> None:
    """Make sure that a worker has the settings of its group.

    Raises
    ------
    GridstressError
        Naming what differs.
    """
    if found := differences(group.current, mine):
        raise GridstressError(
            f"group {settings.group!r} has other settings: {'; '.join(found)}",
            hint="give this worker the group's settings; or stop all workers of the group, then "
            "name a new one (GRIDSTRESS_GROUP) or run `gridstress settings accept`",
        )


async def _settled(settings: Settings) -> GroupSettings | None:
    group = settle(await _records(settings))
    if group is not None and (accept := group.announced) is not None:
        raise GridstressError(
            f"other settings of group {settings.group!r} are being accepted by {accept.by}, "
            f"since {accept.at}",
            hint="start when that is through; if it was broken off, run `gridstress settings "
            "accept` again, with the settings that shall be in force",
        )
    return group


def _adds(group: GroupSettings, mine: Mine) -> bool:
    known = group.current.settings
    return agrees(known, mine.components) and not mine.components.keys() <= known.keys()


async def _records(settings: Settings) -> list[SettingsRecord | None]:
    found = await read_topic(settings.kafka, topics.settings_log(settings.group))
    return [read_record(record.value) for record in found]


async def append(settings: Settings, *records: SettingsRecord) -> None:
    """Append records in this order, each acknowledged before the next is sent.

    Raises
    ------
    GridstressError
        If one is too large; none is sent then.
    BrokerError
        If the broker does not take one.
    """
    values = [msgspec.json.encode(record) for record in records]
    largest = max(map(len, values))
    if largest > topics.MAX_RECORD_BYTES - 1024:
        raise GridstressError(f"the settings take {largest:,} bytes, which no record may")
    async with producer_client(
        settings.kafka,
        "the group's settings could not be written",
        max_request_size=topics.MAX_RECORD_BYTES,
    ) as producer:
        for raw in values:
            # Every record has a key of its own: should the topic be compacted, it loses none.
            await producer.send_and_wait(
                topics.settings_log(settings.group), raw, uuid.uuid4().hex.encode(), partition=0
            )


def now() -> str:
    """The time for a record, ISO-8601 UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def who() -> str:
    """This process, for a record."""
    return f"{socket.gethostname()} (pid {os.getpid()})"
