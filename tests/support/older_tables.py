"""Table values as an older gridstress has written them."""

import msgspec

from tables.schema import strip_schema_byte

UNTAGGED_FIELDS, TAGGED_FIELDS = 12, 15
"""What a state had up to schema 2, without a tag, and in schema 3 behind its tag."""


def in_schema(schema: int, key: bytes, value: bytes) -> bytes:
    """A value of now in schema 1, 2 or 3."""
    packed = bytes(strip_schema_byte(value))
    if key.endswith(b",null]"):
        tag, *fields = msgspec.msgpack.decode(packed)
        older = [tag, *fields[:TAGGED_FIELDS]] if schema >= 3 else fields[:UNTAGGED_FIELDS]
        packed = msgspec.msgpack.encode(older)
    return packed if schema == 1 else bytes((schema,)) + packed
