"""Whatever a broker hands out, a consumer gets records, and what it cannot read says why."""

import struct
import tracemalloc
from typing import Any

import aiokafka.codec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, OffsetResetStrategy, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from gridstress.faust_fixes import fetched_batches
from gridstress.faust_fixes.fetched_batches import (
    MAX_DECODED_BYTES,
    NO_TIME,
    PART_RECORDS,
    Batches,
    Undecodable,
)
from gridstress.kafka.topics import STRESS, ensure_topics
from gridstress.settings import load_settings
from tests.integration.harness import send

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
HEADERS = [("empty", None), ("abc", b"\xff")]
CRC_AT, CRC_FROM, CODEC_AT = 17, 21, 22

Found = list[tuple[int, Any, list[Any]]]


def built(codec: str, *, value: bytes = b"value" * 50, count: int = 3) -> bytes:
    """One batch; its second record has headers."""
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, 1 << 30)
    for offset in range(count):
        builder.append(offset, 5, b"key", value, HEADERS if offset == 1 else [])
    return bytes(builder.build())


def checked(raw: bytes) -> bytes:
    """The batch with a checksum that is right."""
    fixed = bytearray(raw)
    struct.pack_into(">I", fixed, CRC_AT, calc_crc32c(bytes(fixed[CRC_FROM:])))
    return bytes(fixed)


def at_offset(raw: bytes, base: int) -> bytes:
    return struct.pack(">q", base) + raw[8:]


def read(data: bytes) -> Found:
    """Every record: its offset, value and headers."""
    batches, found = Batches(data), []
    while batches.has_next():
        batch = batches.next_batch()
        assert batch.validate_crc()
        assert not batch.is_control_batch
        found += [(r.offset, r.value, list(r.headers)) for r in batch]
        assert found[-1][0] < batch.next_offset
    return found


def undecodable(found: Found) -> list[tuple[int, int, str]]:
    """First and last offset of what cannot be read, and why."""
    return [(v.first, at, v.cause) for at, v, _ in found if isinstance(v, Undecodable)]


@pytest.mark.parametrize("codec", CODECS)
def test_batches_of_every_codec_are_read(codec: str) -> None:
    found = read(built(codec) + at_offset(built(codec), 3))
    assert [offset for offset, _, _ in found] == list(range(6))
    assert [headers for *_, headers in found] == [[], HEADERS, []] * 2
    assert {value for _, value, _ in found} == {b"value" * 50}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("count", [PART_RECORDS - 1, PART_RECORDS, PART_RECORDS + 1, 1000])
def test_batches_of_many_records_are_read(codec: str, count: int) -> None:
    found = read(built(codec, count=count) + at_offset(built(codec), count))
    assert [offset for offset, _, _ in found] == list(range(count + 3))
    assert not undecodable(found)


def test_records_before_and_behind_one_whose_header_is_no_text_are_read_once_each() -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 30)
    for offset in range(3 * PART_RECORDS):
        headers = [("~~", b"v")] if offset == PART_RECORDS + 7 else []
        builder.append(offset, 5, b"key", b"value", headers)
    found = read(checked(bytes(builder.build()).replace(b"~~", b"\xff\xfe")))
    assert [offset for offset, _, _ in found] == list(range(3 * PART_RECORDS))
    assert found[PART_RECORDS + 7][2] == [(r"\xff\xfe", b"v")]


@pytest.mark.parametrize("codec", CODECS)
def test_damaged_bytes_are_one_record_and_the_next_batch_is_read(codec: str) -> None:
    good = at_offset(built(codec), 3)
    bad = bytearray(built(codec))
    bad[-2] ^= 0xFF
    found = read(bytes(bad) + good)
    assert undecodable(found) == [(0, 2, "ValueError: the checksum is wrong")]
    assert found[0][1] == bytes(bad)
    assert [offset for offset, _, _ in found] == [2, 3, 4, 5]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_bytes_that_cannot_be_decompressed_are_one_record(codec: str) -> None:
    bad = built(codec)[:-9] + b"rubbish!!"
    ((first, last, cause),) = undecodable(read(checked(bad)))
    assert (first, last) == (0, 2)
    assert cause


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_a_header_key_that_is_not_utf8_is_read_as_it_can_be(codec: str) -> None:
    raw = built("none").replace(b"abc", b"a\xffc")
    if codec == "lz4":
        body = aiokafka.codec.lz4_encode(raw[61:])
        raw = raw[:8] + struct.pack(">i", 61 - 12 + len(body)) + raw[12:61] + body
        raw = raw[:CODEC_AT] + b"\x03" + raw[CODEC_AT + 1 :]
    found = read(checked(raw))
    assert found[1][2] == [("empty", None), ("a\\xffc", b"\xff")]
    assert [offset for offset, _, _ in found] == [0, 1, 2]
    assert not undecodable(found)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_that_grows_beyond_all_bounds_is_not_decompressed(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched_batches, "MAX_DECODED_BYTES", 100_000)
    ((_, _, cause),) = undecodable(read(built(codec, value=b"\0" * 300_000, count=1)))
    assert "bytes when decompressed" in cause
    assert not undecodable(read(built(codec, value=b"\0" * 90_000, count=1)))


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "none"])
def test_a_small_batch_takes_little_room(codec: str) -> None:
    """Room for the largest, for every batch, made workers a hundred times slower."""
    raw = built(codec)
    tracemalloc.start()
    try:
        assert len(read(raw)) == 3
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_batch_that_grows_much_is_read_whole(codec: str) -> None:
    found = read(built(codec, value=b"a" * 1_000_000))
    assert [value for _, value, _ in found] == [b"a" * 1_000_000] * 3


def test_the_bound_is_above_what_topics_take() -> None:
    assert MAX_DECODED_BYTES >= 30 << 20


@pytest.mark.parametrize("codec", ["none", "gzip"])
def test_records_of_the_oldest_format_get_a_time(codec: str) -> None:
    """That format has none, and neither has aiokafka: a reader that reckons with it would stop."""
    builder = LegacyRecordBatchBuilder(0, CODECS[codec], 1 << 20)
    builder.append(0, None, b"key", b"value")
    batches = Batches(bytes(builder.build()))
    found = list(batches.next_batch())
    assert [(r.offset, r.timestamp, r.key, r.value) for r in found] == [(0, -1, b"key", b"value")]


def test_an_unknown_codec_is_named() -> None:
    raw = bytearray(built("none"))
    raw[CODEC_AT] = 6
    ((_, _, cause),) = undecodable(read(checked(bytes(raw))))
    assert cause == "UnsupportedCodecError: Unknown compression codec 0x06"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = built("zstd")
    monkeypatch.setattr(aiokafka.codec, "cramjam", None)
    ((_, _, cause),) = undecodable(read(raw))
    assert cause == "UnsupportedCodecError: Libraries for zstd compression codec not found"


def test_records_before_the_damage_are_read() -> None:
    raw = bytearray(built("none"))
    raw[raw.rindex(b"key") - 1] = 0x7F  # the last record's key is longer than all there is
    found = read(checked(bytes(raw)))
    assert [(offset, type(value)) for offset, value, _ in found] == [
        *((0, bytes), (1, bytes), (2, Undecodable))
    ]
    assert undecodable(found)[0][:2] == (2, 2)


def of_transaction(value: bytes, base: int, producer: int, *, mark: bool = False) -> bytes:
    """A batch of one record that a producer sent in a transaction, or the mark that ends one."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer, 0, base, 1 << 30)
    builder.append(0, 5, b"?" if mark else b"key", value, [])
    raw = bytearray(builder.build())
    raw[CODEC_AT] |= 0x20 if mark else 0  # an attribute that the builder does not know
    return at_offset(bytes(raw), base)


def offsets_after(fetch_offset: int, *batches: bytes, tp: TopicPartition) -> list[int]:
    """What aiokafka hands out of the answer to a fetch from this offset."""
    found = fetched_batches._partition_records(
        tp, Batches(b"".join(batches)), [], fetch_offset, None, None, True, READ_COMMITTED
    )
    return [record.offset for record in found]


def test_a_record_that_is_not_stored_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    tp = TopicPartition("t", 0)
    batches = [at_offset(built("none"), base) for base in (0, 3, 6)]
    assert offsets_after(0, batches[0], batches[2], tp=tp) == [0, 1, 2]
    assert offsets_after(3, batches[2], tp=tp) == []
    assert offsets_after(3, *batches[1:], tp=tp) == [3, 4, 5, 6, 7, 8]
    assert offsets_after(9, at_offset(built("none"), 12), tp=tp) == []
    monkeypatch.setattr(fetched_batches, "HOLE_S", 0.0)
    assert offsets_after(9, at_offset(built("none"), 12), tp=tp) == [12, 13, 14], "never stored"
    assert fetched_batches._holes == {}


def test_holes_in_kafkas_log_are_what_was_compacted() -> None:
    epoch = struct.pack(">i", 7)
    compacted = [
        raw[:12] + epoch + raw[16:] for raw in (built("none"), at_offset(built("none"), 9))
    ]
    tp = TopicPartition("t", 0)
    assert offsets_after(0, *compacted, tp=tp) == [0, 1, 2, 9, 10, 11]


def test_of_transactions_only_the_committed_are_handed_out() -> None:
    """Whatever their marks hold: those here cannot be read."""
    log = [
        of_transaction(b"given up", 0, 7),
        of_transaction(b"committed", 1, 8),
        of_transaction(b"", 2, 7, mark=True),
        of_transaction(b"committed later", 3, 7),
        of_transaction(b"", 4, 8, mark=True),
        of_transaction(b"", 5, 7, mark=True),
    ]
    batches, tp = Batches(b"".join(log)), TopicPartition("t", 0)
    found = PartitionRecords(tp, batches, [(7, 0)], 0, None, None, True, READ_COMMITTED)
    assert [record.value for record in found] == [b"committed", b"committed later"]
    assert found.next_fetch_offset == 6, "behind the last mark, which no consumer is given"


@pytest.mark.parametrize(
    ("answer", "begin"),
    [
        pytest.param((1, 1_700_000_000_000), 0, id="embedded"),
        pytest.param((7, NO_TIME), 7, id="Kafka"),
    ],
)
async def test_the_embedded_brokers_log_begins_at_0_whatever_was_stored_first(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, int], begin: int
) -> None:
    tp, latest = TopicPartition("t", 0), TopicPartition("t", 1)

    async def answered(*_: Any) -> dict[TopicPartition, tuple[int, int]]:
        return {tp: answer, latest: answer}

    monkeypatch.setattr(fetched_batches, "_answered", answered)
    asked = {"t": [(0, OffsetResetStrategy.EARLIEST), (1, OffsetResetStrategy.LATEST)]}
    found = await fetched_batches._offsets(None, 0, asked)
    assert found == {tp: (begin, answer[1]), latest: answer}


@pytest.mark.kafka_too
@pytest.mark.integration
async def test_only_the_embedded_broker_gives_a_time_with_the_earliest_offset(
    broker: str, broker_kind: str
) -> None:
    fetched_batches.install()
    await ensure_topics(load_settings(broker=f"kafka://{broker}"))
    await send(broker, STRESS, [(0, b"first"), (0, b"second")])
    tp = TopicPartition(STRESS, 0)
    async with AIOKafkaConsumer(bootstrap_servers=broker) as consumer:
        asked = {tp: OffsetResetStrategy.EARLIEST}
        found = await consumer._fetcher._retrieve_offsets(asked)
        assert await consumer.beginning_offsets([tp]) == {tp: 0}
    assert found[tp][0] == 0
    assert (found[tp][1] == NO_TIME) == (broker_kind == "apache")
