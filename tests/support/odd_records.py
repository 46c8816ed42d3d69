"""Records as anyone may write them, each odd in its own way."""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTimestampError, UnknownError

from tests.gridstress.faust_fixes.test_fetched_batches import checked

CODECS = ("gzip", "snappy", "lz4", "zstd")

Headers = Sequence[tuple[str, bytes | None]]
ODD_HEADERS: tuple[Headers, ...] = (
    [("measured-sent-ms", None)],
    [("measured-sent-ms", b"9" * 30), ("measured-sent-ms", b"\xff")],
    [("epoch", None), ("topic", None), ("reason", None), ("offset", b"-1")],
    [("", b""), ("", None), ("h" * 10_000, b"v" * 10_000)],
    [("epoch", b"7:some body"), ("topic", b"grid_measurements"), ("partition", b"9" * 30)],
)
TIMES_MS = (None, 0, -1, -5, int(time.time() * 1000) + 1_000, 2**62, 2**63 - 1)
KEYS_AND_VALUES = (
    (None, b"rubbish"), (b"k", None), (b"", b""), (b"\xff\xfe", b"\xff\xfe"), (b"k", b"{}"),
    (b"k" * 100_000, b"[" * 50_000), (json.dumps(["linear", "r", 0]).encode(), b"null"),
)  # fmt: skip


def odd() -> list[dict[str, Any]]:
    """Records of every kind for the first partition, as a producer's arguments."""
    plain: dict[str, Any] = {"key": b"k", "value": b"{}", "partition": 0}
    found = [plain | {"headers": headers} for headers in ODD_HEADERS]
    found += [plain | {"timestamp_ms": ms} for ms in TIMES_MS]
    return found + [plain | {"key": key, "value": value} for key, value in KEYS_AND_VALUES]


async def send(bootstrap: str, topic: str, found: list[dict[str, Any]], codec: Any = None) -> int:
    """Send records, in batches of one; return how many the broker took."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type=codec, max_request_size=8 << 20
    )
    await producer.start()
    taken = 0
    try:
        for one in found:
            # Kafka takes no time that is far ahead, and no compacted record without a key.
            with suppress(InvalidTimestampError, UnknownError):
                await producer.send_and_wait(topic, **one)
                taken += 1
    finally:
        await producer.stop()
    return taken


async def send_header_key(bootstrap: str, topic: str) -> None:
    """Send a record with a header key that is not UTF-8, which aiokafka would not write."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=b"k", value=b"{}", headers=[("abc", b"x")])
        batch.close()
        build = batch._build

        def with_other_key() -> bytes:
            return checked(bytes(build()).replace(b"abc", b"a\xffc"))

        batch._build = with_other_key
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()
