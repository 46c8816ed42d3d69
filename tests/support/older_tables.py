"""Table values as an older gridstress has written them."""

import msgspec

from tables.schema import strip_schema_byte

STATE_FIELDS = 12
"""What a state had before schema 3, without a tag."""


def in_schema(schema: int, key: bytes, value: bytes) -> bytes:
    """A value of now in schema 1 or 2."""
    packed = bytes(strip_schema_byte(value))
    if key.endswith(b",null]"):
        _, *fields = msgspec.msgpack.decode(packed)
        packed = msgspec.msgpack.encode(fields[:STATE_FIELDS])
    return packed if schema == 1 else bytes((schema,)) + packed
