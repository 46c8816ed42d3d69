"""One Apache Kafka for all modules of a test process: emptied between them, not started anew."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from bench.harness.brokers import apache_broker

EMPTY_WITHIN_S = 60.0
"""Longest wait for the broker to forget; a killed member stays for its session time-out."""

SHORT_LIVED_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options that halve the processor time of a broker that lives for minutes."""


@contextmanager
def quick_java() -> Iterator[None]:
    """Every Java that is started in this block compiles less and starts faster."""
    before = os.environ.get("JAVA_TOOL_OPTIONS")
    os.environ["JAVA_TOOL_OPTIONS"] = " ".join(filter(None, (before, SHORT_LIVED_JAVA)))
    try:
        yield
    finally:
        del os.environ["JAVA_TOOL_OPTIONS"]
        if before is not None:
            os.environ["JAVA_TOOL_OPTIONS"] = before


@contextmanager
def shared_kafka(directory: Path) -> Iterator[str]:
    """``host:port`` of a broker for the length of the block; `empty` it before each module."""
    with quick_java(), apache_broker(directory=directory) as running:
        yield running.bootstrap


async def empty(bootstrap: str) -> None:
    """Delete all topics, and with them what was committed, once all groups are without members.

    Raises
    ------
    TimeoutError
        If the broker has not forgotten them within `EMPTY_WITHIN_S`.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    deadline = time.monotonic() + EMPTY_WITHIN_S
    try:
        while left := await _left(admin):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Kafka still has {', '.join(sorted(left))}")
            await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def _left(admin: AIOKafkaAdminClient) -> set[str]:
    """What is still there; topics are deleted as soon as no group has members."""
    groups = [name for name, _ in await admin.list_consumer_groups()]
    if busy := [name for name in groups if await _has_members(admin, name)]:
        return {f"members in group {name}" for name in busy}
    topics = {name for name in await admin.list_topics() if not name.startswith("__")}
    if topics:
        await admin.delete_topics(list(topics))
        return topics
    return {
        f"positions of group {name}"
        for name in groups
        for position in (await admin.list_consumer_group_offsets(name)).values()
        if position.offset >= 0
    }


async def _has_members(admin: AIOKafkaAdminClient, group: str) -> bool:
    # One at a time: aiokafka 0.14 cannot read an answer about several.
    answers = await admin.describe_consumer_groups([group])
    return any(found[5] for answer in answers for found in answer.groups)
