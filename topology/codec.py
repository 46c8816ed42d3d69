"""Records as bytes: JSON, or MessagePack for those that are mostly columns of numbers."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from topology.columns import of_either, to_bytes, to_lists
from topology.errors import MessageError
from topology.messages import SCHEMA, Message, PropagatedFrame, RiskWindow, StressFrame, WindowHead

Record = TypeVar("Record", bound=Message)
Decoder = Callable[[type[Struct]], Any]
_encoder = msgspec.json.Encoder(enc_hook=to_lists)
_packer = msgspec.msgpack.Encoder(enc_hook=to_bytes)

MAX_DEPTH = 500
"""Levels that a record may nest; what msgspec bears depends on the version of Python."""

_NO_NUMBER = re.compile(rb"[\[:,]\s*-?(NaN|Infinity)\b")
_BRACKETS = re.compile(rb'"(?:[^"\\]+|\\.)*"?|[][{}]', re.DOTALL)


def encode(record: Struct) -> bytes:
    """A record as UTF-8 JSON; times as ISO-8601 UTC, floats so that they read back unchanged."""
    return _encoder.encode(record)


def encode_all(records: Sequence[Struct]) -> list[bytes]:
    """Encode each record, as `encode`; quicker for many."""
    return _encoder.encode_lines(records).split(b"\n")[:-1]  # JSON escapes line breaks


CONTENT_TYPE = "content-type"
"""Header of a record of columns: its format."""


class Format(NamedTuple):
    """How records of columns are written: the encoder, and the header that names it."""

    encode: Callable[[Struct], bytes]
    header: tuple[str, bytes]


FORMATS: Mapping[str, Format] = {
    "msgpack": Format(_packer.encode, (CONTENT_TYPE, b"application/msgpack")),
    "json": Format(encode, (CONTENT_TYPE, b"application/json")),
}
"""By the value of ``GRIDSTRESS_RECORD_FORMAT``."""

PACKED = (StressFrame, PropagatedFrame, RiskWindow, WindowHead)
"""Kinds of record that may be MessagePack; all others are JSON."""


def decode(raw: bytes | None, kind: type[Record]) -> Record:
    """Read and check one record, in whichever format it is.

    Raises
    ------
    MessageError
        With reason ``invalid`` and the field that is wrong, for anything that is not a record of
        this kind; with reason ``newer`` for what a newer gridstress has written.
    """
    if raw is None:
        raise MessageError("invalid", "the record has no value")
    packed = is_packed(raw) and issubclass(kind, PACKED)
    decoder = _unpacker if packed else _decoder
    try:
        record: Record = decoder(kind).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if packed:
            raise _refused(raw, kind, decoder, str(error)) from None
        return _decode_leniently(raw, kind)
    # Without unknown fields it is nested no deeper than its kind.
    if not packed and not kind.__struct_config__.forbid_unknown_fields:
        _check_depth(raw, kind)
    return _checked(record)


def _decode_leniently(raw: bytes, kind: type[Record]) -> Record:
    """Read and check one record of JSON that may have unknown fields."""
    _check_depth(raw, kind)
    try:
        record: Record = _decoder(_lenient(kind)).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        no_number = "; NaN and Infinity are no JSON" if _NO_NUMBER.search(raw) else ""
        raise _refused(raw, kind, _decoder, f"{error}{no_number}") from None
    if type(record) is not kind:
        record = kind(**msgspec.structs.asdict(record))
    return _checked(record)


def _refused(raw: bytes, kind: type[Struct], decoder: Decoder, why: str) -> MessageError:
    """Say why a record is refused: it is of a newer schema, or none of this kind."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if (schema := int(decoder(_Versioned).decode(raw).schema)) > SCHEMA:
            problem = f"a {kind.__name__} of schema {schema}; this gridstress reads {SCHEMA}"
            return MessageError("newer", problem)
    return MessageError("invalid", f"not a {kind.__name__}: {why}")


def _checked(record: Record) -> Record:
    try:
        record.check()
    except ValueError as error:
        raise MessageError("invalid", f"not a {type(record).__name__}: {error}") from None
    return record


def is_packed(raw: bytes) -> bool:
    """Whether a record begins as a map of MessagePack, as no JSON does."""
    return raw[:1] >= b"\x80"


@cache
def _decoder(kind: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=of_either)


@cache
def _unpacker(kind: type[Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=of_either)


@cache
def _lenient(kind: type[Struct]) -> type[Struct]:
    """The same kind of record, with unknown fields allowed."""
    if not kind.__struct_config__.forbid_unknown_fields:
        return kind
    return msgspec.defstruct(
        kind.__name__, [], bases=(kind,), kw_only=True, frozen=True, forbid_unknown_fields=False
    )


def _check_depth(raw: bytes, kind: type[Struct]) -> None:
    if _is_deep(raw):
        problem = f"not a {kind.__name__}: nested more than {MAX_DEPTH} levels deep"
        raise MessageError("invalid", problem) from None


def _is_deep(raw: bytes) -> bool:
    """Whether brackets outside of texts are nested more than `MAX_DEPTH` levels deep."""
    if len(raw) <= MAX_DEPTH or not any(islice(_opened(raw), MAX_DEPTH, None)):
        return False
    depth = 0
    for found in _BRACKETS.finditer(raw):
        first = found[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > MAX_DEPTH:
            return True
    return False


def _opened(raw: bytes) -> Iterator[bool]:
    """Yield True for each opening bracket, also in texts: much faster than to count them."""
    for bracket in b"[", b"{":
        at = raw.find(bracket)
        while at >= 0:
            yield True
            at = raw.find(bracket, at + 1)


class _Versioned(Struct):
    schema: int = SCHEMA
