"""Whole records as inputs: value, key, time and headers, and what each reader makes of them.

An input is records divided by ``PART``; a record is value, key, time in ms and headers
(``name=value``), divided by ``FIELD``. ``NULL`` in the place of a value, a key or a header's value
is none at all.
"""

import asyncio
import json
import struct
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from aiokafka import ConsumerRecord
from aiokafka.record.util import calc_crc32c
from faust.types import TP

from gridstress.admin.dead_letters import DeadLetterFilter, parse_dead_letter, plan_replay
from gridstress.faust_fixes.errors import FaustFixError
from gridstress.faust_fixes.fencing import Epoch
from gridstress.faust_fixes.fetched_batches import Batches, Undecodable
from gridstress.faust_fixes.takeover import ChangelogReplica, _message
from gridstress.verify.collect import take_dead_letter
from gridstress.verify.compare import Observed
from tests.fuzz.seeds import FIELD, NULL, PART
from tests.support.memory import Event, lone_consumer

RECORDS = 6
"""Records that one input holds at most."""

SOURCE = TP("source", 0)


def parsed(data: bytes, topic: str = SOURCE.topic) -> list[Any]:
    """The records of an input, as aiokafka gives them."""
    return [_record(n, part, topic) for n, part in enumerate(data.split(PART)[:RECORDS])]


def _record(offset: int, part: bytes, topic: str) -> Any:
    value, *rest = part.split(FIELD)
    key, time, *headers = [*rest, b"k", b"9000"][: max(2, len(rest))]
    pairs = [(header.partition(b"=")) for header in headers]
    named = tuple((n.decode("utf-8", "replace"), _or_none(v)) for n, _, v in pairs)
    kept, known = _or_none(value), _or_none(key)
    sizes = len(known or b""), len(kept or b"")
    return ConsumerRecord(*(topic, 0, offset, _time(time), 0, known, kept, None, *sizes, named))


def _or_none(raw: bytes) -> bytes | None:
    return None if raw == NULL else raw


def _time(raw: bytes) -> int:
    try:
        return max(-(2**63), min(int(raw[:25]), 2**63 - 1))
    except ValueError:
        return -1


@cache
def _consumer() -> Any:
    consumer = lone_consumer("source")
    consumer.app.consumer_generation_id = 1  # as the stream in memory has it
    consumer._active_partitions = {SOURCE}
    consumer.highwater = lambda tp: 100
    consumer._thread.is_behind = lambda tp: False
    consumer._thread.next_offset = lambda tp: None
    return consumer


async def delivered(records: list[Any]) -> list[Event]:
    """What the real consumer hands to a stream of what it has fetched."""
    consumer = _consumer()
    consumer._forget([SOURCE])

    async def fetched(*_: Any) -> dict[TP, list[Any]]:
        return {SOURCE: records}

    consumer._getmany = fetched
    return [Event(message) async for _, message in consumer.getmany(1.0)]


def changelog(data: bytes) -> None:
    """Read records of a changelog as a take-over does: it ends, or says where it cannot."""
    dropped: list[int] = []
    copy = ChangelogReplica(
        TP("log", 0), cast(Any, SimpleNamespace(drop=dropped.append)), "aaaaaaaa"
    )
    records = parsed(data, "log")
    try:
        taken = copy.take(records) or []
    except FaustFixError:
        return
    assert copy.position == len(records)
    for record in taken:
        assert record.key is not None
        assert _message(record).offset == record.offset
    following = Epoch(copy.current.number + 1, copy.owner)
    assert Epoch.of([following.header]) == following


def dead_letter(data: bytes) -> None:
    """Read a dead letter as every reader does, show it, and find where it belongs."""
    for record in parsed(data, "dead_letters"):
        found = parse_dead_letter(record.partition, record.offset, record.value, record.headers)
        json.dumps(found.to_dict())
        found.pretty()
        take_dead_letter(record, "r", Observed())
        assert DeadLetterFilter()(found)
        DeadLetterFilter(topic="t", reason="r", run="r", since_s=1.0)(found)
        for run in (None, "again"):
            plan = plan_replay([found], read={"grid_measurements"}, passed=True, as_run=run)
            for one in plan.dead_letters:
                assert one.length is None
                assert one.reason not in {"lost", "undecodable"}
                assert one.value is None or run or one.value == record.value


def batches(data: bytes) -> None:
    """Decode what a broker might hand out; the checksums as they are, and put right."""
    for raw in (data, _checked(data)):
        found, at = Batches(raw), -1
        while found.has_next():
            batch = found.next_batch()
            for record in batch:
                assert isinstance(record.offset, int)
                for name, value in record.headers:
                    assert isinstance(name, str)
                    assert value is None or isinstance(value, bytes)
                if isinstance(record.value, Undecodable):
                    assert record.value.first <= record.offset
                    assert record.value.cause
            at += 1


def _checked(data: bytes) -> bytes:
    """The same batches with checksums that are right, as far as there are any."""
    fixed, at = bytearray(data), 0
    while at + 61 <= len(fixed):
        (length,) = struct.unpack_from(">i", fixed, at + 8)
        end = at + 12 + length
        if length < 49 or end > len(fixed):
            break
        struct.pack_into(">I", fixed, at + 17, calc_crc32c(bytes(fixed[at + 21 : end])))
        at = end
    return bytes(fixed)


def in_stage(data: bytes) -> list[Event]:
    """The events of an input."""
    return asyncio.run(delivered(parsed(data)))
