"""Table values as an older gridstress has written them."""

import msgspec

from tables.schema import opened

STATE_FIELDS = 12
"""What a state had before schema 3, without a tag."""


def in_schema(schema: int, key: bytes, value: bytes) -> bytes:
    """A value of now in schema 1 or 2."""
    packed = bytes(opened(value))
    if key.endswith(b",null]"):
        _, *fields = msgspec.msgpack.decode(packed)
        packed = msgspec.msgpack.encode(fields[:STATE_FIELDS])
    return packed if schema == 1 else bytes((schema,)) + packed
