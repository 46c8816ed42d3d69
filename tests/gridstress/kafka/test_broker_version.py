"""Which release a broker is, told by real ones and by servers on loopback that are none."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gridstress.admin import doctor
from gridstress.kafka.broker_version import kafka_release, release_of
from gridstress.local.kafka_jars import KAFKA_VERSION
from gridstress.settings import Settings


@pytest.mark.parametrize(
    ("newest", "release"),
    [
        # What Kafka 3.7.2, 3.9.1, 4.0.1, 4.1.1, 4.2.0, 4.3.1 and 4.4.0 have as LATEST_PRODUCTION.
        (19, "3.7"),
        (21, "3.9"),
        (25, "4.0"),
        (27, "4.1"),
        (29, "4.2"),
        (30, "4.3"),
        (33, "4.4"),
        (34, "newer than 4.4"),
        (7, "3.3"),
        (6, ""),
        (0, ""),
    ],
)
def test_the_newest_metadata_version_tells_the_release(newest: int, release: str) -> None:
    assert release_of(newest) == release


@pytest.mark.integration
@pytest.mark.kafka_too
async def test_a_broker_tells_its_release_if_it_is_kafka(broker: str, broker_kind: str) -> None:
    release = KAFKA_VERSION.rpartition(".")[0] if broker_kind == "apache" else ""
    assert await kafka_release(broker, timeout_s=60) == release


@pytest.mark.integration
@pytest.mark.kafka_too
def test_the_doctor_says_the_release_of_kafka(broker: str, broker_kind: str) -> None:
    detail = doctor.broker(Settings(broker=f"kafka://{broker}"), is_up=False).detail
    kind = f"Kafka {KAFKA_VERSION.rpartition('.')[0]}" if broker_kind == "apache" else "embedded"
    assert detail.startswith(f"{kind} at {broker}, cluster id ")


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    writer.close()


async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass
    writer.close()


@pytest.mark.parametrize("answer", [hang_up, babble, be_silent])
async def test_what_is_no_broker_has_no_release(answer: Answer) -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        assert await kafka_release(f"{host}:{port}", timeout_s=0.5) == ""
