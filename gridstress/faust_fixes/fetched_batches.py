"""Decode the record batches that aiokafka fetches, so that no batch stops a consumer for good.

aiokafka raises where it cannot decode a batch (damaged bytes, a codec whose library is missing, a
header key that is not UTF-8), discards the records before it, and raises again at every fetch.
Here a header key may be any bytes, and what cannot be decoded is one record whose value is
`Undecodable`: each consumer decides what to do about it. A compressed batch cannot use up the
memory either, and each record has a time, if only -1. And no record of the embedded broker is
skipped because a later one was stored first. `install` changes all of aiokafka's consumers in this
process.
"""

import logging
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Self, cast

import aiokafka.codec
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import OffsetResetStrategy, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBase, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint_py

MAX_DECODED_BYTES = 64 << 20
"""Size up to which a batch is decompressed: some thirty times the largest that our topics take."""

HOLE_S = 5.0
"""How long a hole in the embedded broker's log is waited for, s."""

PART_RECORDS = 100
"""Records of a batch that are decoded at once."""

NO_TIME = -1
"""Kafka's mark for a record, or an answer, without a time."""

_LENGTH_AT, _MAGIC_AT, _ATTRIBUTES_AT = 8, 16, 21
_GIVEN_UP = struct.pack(">HH", 0, 0)
"""Key of a control record that ends a transaction which was given up."""
_HEAD_BYTES = DefaultRecordBase.HEADER_STRUCT.size
_V2 = 2

logger = logging.getLogger(__name__)


class Undecodable(bytes):
    """A batch, or what is left of it, that cannot be decoded: its bytes as they were fetched.

    Attributes
    ----------
    first
        Offset of the first record that cannot be read; the record it stands in has the last one's.
    cause
        Why not, in one line.
    """

    first: int
    cause: str

    @classmethod
    def of(cls, raw: bytes, first: int, error: Exception) -> Self:
        """Note why the bytes cannot be decoded from the record `first` on."""
        found = cls(raw)
        found.first = first
        name, text = type(error).__name__, " ".join(str(error).split())
        found.cause = text if text.startswith(name) else f"{name}: {text}"
        return found


@dataclass(frozen=True)
class _Record:
    """What aiokafka wants of a record."""

    offset: int
    value: bytes
    timestamp: int = NO_TIME
    timestamp_type: int = 0
    key: bytes | None = None
    headers: tuple[()] = ()
    checksum: None = None


def _untimed(record: Any) -> _Record:
    """Return a record of the oldest format, which has no time, with Kafka's mark for that."""
    return _Record(record.offset, record.value, key=record.key)


class _AnyText(bytearray):
    """Bytes whose slices can be read as text, whatever they are."""

    def __getitem__(self, key: Any) -> Any:
        part: Any = super().__getitem__(key)
        return _AnyText(part) if isinstance(part, bytearray) else part

    def decode(self, *_: Any) -> str:
        return bytes(self).decode(errors="backslashreplace")


class _AnyHeaders(_DefaultRecordBatchPy):  # type: ignore[misc]
    """aiokafka's decoder in Python, for a batch with header keys that are not UTF-8."""

    def __iter__(self) -> Any:
        found: Any = super().__iter__()
        found._buffer = _AnyText(found._buffer)
        return found

    def _read_msg(self, *_: Any) -> Any:
        # The compiled one reads beyond the end of damaged bytes, and the process dies of it.
        return super()._read_msg(decode_varint_py)


class Batches:
    """Stands in for aiokafka's MemoryRecords: the batches of one answer to a fetch."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._broken = memoryview(data), 0, False
        self._batches = MemoryRecords(data)
        self._fetched: _Fetched | None = None

    def fetched_from(self, tp: TopicPartition, offset: int) -> None:
        """Take note of what was asked for; from now on a hole that may be filled ends it."""
        self._fetched = _Fetched(tp, offset)

    def size_in_bytes(self) -> int:
        """Return how many bytes were fetched."""
        return len(self._data)

    def has_next(self) -> bool:
        """Return whether another whole batch was fetched."""
        if self._broken or not self._batches.has_next():
            return False
        return self._fetched is None or not self._fetched.waits_before(self._data[self._at :])

    def next_batch(self) -> "Batch":
        """Return the next batch."""
        base, length = struct.unpack_from(">qi", self._data, self._at)
        raw = self._data[self._at : self._at + 12 + max(0, length)]
        self._at += len(raw)
        try:
            batch = self._batches.next_batch()
            if self._fetched is not None:
                self._fetched.offset = batch.next_offset
            return Batch(batch, raw)
        except Exception as error:  # noqa: BLE001 - where the next batch begins is unknown, too
            self._broken = True
            return Batch(_NoBatch(base, base + 1, error), raw)


@dataclass
class _Fetched:
    """How far a partition's log has been read: the offset that comes next.

    The embedded broker gives a record its offset before it stores it, so one that another producer
    sends in that moment can be read first. The next fetch, from the hole on, finds both. Its
    batches are known by the epoch of the leader, -1: Kafka sets it in each batch that it appends.
    There holes are nothing but what was compacted.
    """

    tp: TopicPartition
    offset: int

    def waits_before(self, batch: memoryview) -> bool:
        """Whether there is a hole before this batch that may still be filled."""
        base, _, epoch, magic = struct.unpack_from(">qiib", batch)
        if epoch != -1 or magic != _V2:
            return False
        hole = self.tp, self.offset
        if base <= self.offset:
            _holes.pop(hole, None)
            return False
        if time.monotonic() - _holes.setdefault(hole, time.monotonic()) < HOLE_S:
            return True
        logger.warning("%s/%s@%s to %s were never stored", *self.tp, self.offset, base - 1)
        del _holes[hole]
        return False


_holes: dict[tuple[TopicPartition, int], float] = {}
"""When each hole was first seen, by the monotonic clock, s."""


@dataclass(frozen=True)
class _NoBatch:
    """Stands in for a batch whose first bytes do not say where it ends."""

    base_offset: int
    next_offset: int
    error: Exception
    is_control_batch: bool = False
    is_transactional: bool = False
    producer_id: int | None = None

    def validate_crc(self) -> bool:
        raise self.error


class Batch:
    """One batch of aiokafka's, whose iteration raises nothing."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch, self._raw = batch, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def validate_crc(self) -> bool:
        """Return True; a wrong checksum shows in the iteration."""
        return True

    def __next__(self) -> _Record:
        """Return the mark of a control batch: that its producer's transaction was given up.

        aiokafka asks for it to see whether one that it knows to be given up is over. Any mark of
        the producer says that, so this one is not decoded.
        """
        return _Record(self._batch.base_offset, b"", key=_GIVEN_UP)

    def __iter__(self) -> Iterator[Any]:
        expected = getattr(self._batch, "base_offset", 0)
        try:
            if not self._batch.validate_crc():
                raise ValueError("the checksum is wrong")
            batch, plain = self._batch, self._raw
            if plain[_MAGIC_AT] == _V2 and batch.compression_type:
                decompressed = _decompressed(bytes(plain), batch.compression_type)
                plain = memoryview(decompressed)
                batch = MemoryRecords(decompressed).next_batch()
            try:
                for records in _in_parts(batch):
                    expected = records[-1].offset + 1
                    yield from records if plain[_MAGIC_AT] else map(_untimed, records)
            except Exception as error:
                if plain[_MAGIC_AT] != _V2 or not _of_text(error):
                    raise
                for record in _AnyHeaders(plain):
                    if record.offset >= expected:
                        expected = record.offset + 1
                        yield record
        except Exception as error:  # noqa: BLE001 - whatever it is, the record's reader gets it
            last = max(expected, self._batch.next_offset - 1)
            yield _Record(last, Undecodable.of(bytes(self._raw), expected, error))


def _in_parts(batch: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield records some at a time, which is quicker; those before one that fails, then raise."""
    records = chain(batch)  # `islice` asks for an iterator again, which a batch gives but once
    while True:
        part: list[Any] = []
        try:
            part.extend(islice(records, PART_RECORDS))
        except Exception:
            if part:
                yield part
            raise
        if part:
            yield part
        if len(part) < PART_RECORDS:
            return


def _of_text(error: Exception) -> bool:
    return isinstance(error, UnicodeDecodeError) or isinstance(error.__cause__, UnicodeDecodeError)


def _decompressed(raw: bytes, codec: int) -> bytes:
    """Return the same batch without compression."""
    data = _decompress(raw[_HEAD_BYTES:], codec)
    head = bytearray(raw[:_HEAD_BYTES])
    (attributes,) = struct.unpack_from(">h", head, _ATTRIBUTES_AT)
    struct.pack_into(">i", head, _LENGTH_AT, len(head) - 12 + len(data))
    struct.pack_into(">h", head, _ATTRIBUTES_AT, attributes & ~DefaultRecordBase.CODEC_MASK)
    return bytes(head) + data


def _decompress(data: bytes, codec: int) -> bytes:
    DefaultRecordBase()._assert_has_codec(codec)
    if codec == DefaultRecordBase.CODEC_GZIP:
        return _gunzip(data)
    if codec == DefaultRecordBase.CODEC_SNAPPY:
        if _snappy_size(data) > MAX_DECODED_BYTES:
            raise ValueError(_TOO_LARGE)
        return cast(bytes, aiokafka.codec.snappy_decode(data))
    cramjam: Any = aiokafka.codec.cramjam
    library = cramjam.lz4 if codec == DefaultRecordBase.CODEC_LZ4 else cramjam.zstd
    # As much room as most batches need: it is filled with zeros first, so room for the largest
    # would cost every batch as much time as the largest.
    room_bytes = min(max(_ROOM_BYTES, 8 * len(data)), MAX_DECODED_BYTES)
    while True:
        room = bytearray(room_bytes)
        try:
            size = library.decompress_into(data, room)
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):
                raise ValueError(str(error)) from None
        else:
            return bytes(memoryview(room)[:size])
        if room_bytes == MAX_DECODED_BYTES:
            raise ValueError(_TOO_LARGE)
        room_bytes = min(8 * room_bytes, MAX_DECODED_BYTES)


_ROOM_BYTES = 1 << 16

_TOO_LARGE = f"it has more than {MAX_DECODED_BYTES:,} bytes when decompressed"


def _gunzip(data: bytes) -> bytes:
    whole = bytearray()
    while data:
        stream = zlib.decompressobj(wbits=31)
        whole += stream.decompress(data, MAX_DECODED_BYTES + 1 - len(whole))
        if len(whole) > MAX_DECODED_BYTES:
            raise ValueError(_TOO_LARGE)
        if not stream.eof:
            raise EOFError("the gzip stream is cut off")
        data = stream.unused_data
    return bytes(whole)


def _snappy_size(data: bytes) -> int:
    cramjam: Any = aiokafka.codec.cramjam
    if not aiokafka.codec._detect_xerial_stream(data):
        return int(cramjam.snappy.decompress_raw_len(data))
    size, at = 0, 16
    while at < len(data):
        (length,) = struct.unpack_from(">i", data, at)
        if length <= 0:
            raise ValueError(f"a snappy block of {length} bytes")
        size += cramjam.snappy.decompress_raw_len(data[at + 4 : at + 4 + length])
        at += 4 + length
    return size


def install() -> None:
    """Have all of aiokafka's consumers in this process read logs in this way."""
    module = cast(Any, fetcher)
    module.MemoryRecords, module.PartitionRecords = Batches, _partition_records
    module.Fetcher._proc_offset_request = _offsets


def _partition_records(
    tp: TopicPartition, records: Batches, aborted: Any, fetch_offset: int, *others: Any
) -> Any:
    records.fetched_from(tp, fetch_offset)
    return PartitionRecords(tp, records, aborted, fetch_offset, *others)


_answered = fetcher.Fetcher._proc_offset_request


async def _offsets(
    self: Any, node: int, asked: dict[str, list[tuple[int, int]]]
) -> dict[TopicPartition, tuple[int, int]]:
    """Ask a broker for offsets; a partition of the embedded broker begins at 0.

    It names the batch that was stored first, which of two that were sent at once may be the second.
    It deletes nothing, so there is always one at 0. It is known by the time that it gives with the
    earliest offset: Kafka gives none.
    """
    found: dict[TopicPartition, tuple[int, int]] = await _answered(self, node, asked)
    for topic, partitions in asked.items():
        for partition, wanted in partitions:
            tp = TopicPartition(topic, partition)
            _, time_ms = found.get(tp, (0, NO_TIME))
            if wanted == OffsetResetStrategy.EARLIEST and time_ms not in (None, NO_TIME):
                found[tp] = 0, time_ms
    return found
