"""Which release of Apache Kafka answers.

No broker says so in words. One in KRaft mode lists, when asked which requests it knows, the
versions of the cluster's metadata that it can read; each release adds some, so the newest of them
tells the release, whichever of them the cluster has been told to use.
"""

import asyncio
import struct
from bisect import bisect_right
from io import BytesIO

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from gridstress.kafka.probe import connect_any, quiet
from gridstress.kafka_connection import Where, connection

_RELEASES = (
    (7, "3.3"),
    (8, "3.4"),
    (9, "3.5"),
    (12, "3.6"),
    (15, "3.7"),
    (20, "3.8"),
    (21, "3.9"),
    (22, "4.0"),
    (26, "4.1"),
    (28, "4.2"),
    (30, "4.3"),
    (31, "4.4"),
)
"""First `metadata.version` of each release, from Kafka's own list (`MetadataVersion.java`)."""

_NEWEST_KNOWN = 33
"""Last `metadata.version` of the last of them."""

_SUPPORTED_FEATURES = 0
_FEATURES = CompactArray(
    ("name", CompactString("utf-8")), ("min", Int16), ("max", Int16), ("tags", TaggedFields)
)


class _Answer(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = 18, 3
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "requests",
            CompactArray(("key", Int16), ("min", Int16), ("max", Int16), ("tags", TaggedFields)),
        ),
        ("throttle_time_ms", Int32),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, RESPONSE_TYPE, FLEXIBLE_VERSION = 18, 3, _Answer, True
    SCHEMA = Schema(
        ("client", CompactString("utf-8")),
        ("client_version", CompactString("utf-8")),
        ("tags", TaggedFields),
    )

    def parse_response_header(self, read_buffer: BytesIO | bytes) -> ResponseHeader_v0:
        # The one answer with the old header: a client asks before it knows what the broker knows.
        return ResponseHeader_v0.decode(read_buffer)


class _ApiVersions(Request[_Question]):  # type: ignore[misc]
    API_KEY = 18

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class("gridstress", "0", {})


async def kafka_release(where: Where, *, timeout_s: float) -> str:
    """Release of the Apache Kafka there, such as ``4.4``.

    Empty if it cannot be told: the broker is another one that speaks Kafka's protocol, is older
    than 3.3 or keeps its metadata in ZooKeeper, or does not answer within `timeout_s` seconds.
    """
    try:
        return release_of(await asyncio.wait_for(_newest_metadata_version(where), timeout_s))
    except (OSError, TimeoutError, KafkaError):
        return ""
    except (NotImplementedError, ValueError, struct.error):
        return ""  # It does not know the question, or answers something else.


def release_of(metadata_version: int) -> str:
    """Release whose newest `metadata.version` this is; empty for one below 3.3."""
    if metadata_version > _NEWEST_KNOWN:
        return f"newer than {_RELEASES[-1][1]}"
    at = bisect_right(_RELEASES, metadata_version, key=lambda release: release[0])
    return _RELEASES[at - 1][1] if at else ""


async def _newest_metadata_version(where: Where) -> int:
    arguments = connection(where)
    host, port = await connect_any(arguments.pop("bootstrap_servers"))
    with quiet():
        known = await create_conn(host, port, **arguments)
        try:
            answer = await known.send(_ApiVersions())
        finally:
            known.close()
    features = _FEATURES.decode(BytesIO(answer.tags.get(_SUPPORTED_FEATURES, b"\x01")))
    return max((newest for name, _, newest, _ in features if name == "metadata.version"), default=0)
