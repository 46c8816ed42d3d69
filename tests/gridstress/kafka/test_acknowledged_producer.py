"""A broker that hangs ends what sends to it, with an error, and does not make it wait for ever."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from bench.harness.brokers import embedded_broker
from gridstress.admin.dead_letters import DeadLetter
from gridstress.admin.redeliver import redeliver
from gridstress.kafka import acknowledged_producer
from gridstress.kafka.acknowledged_producer import AcknowledgedProducer
from gridstress.kafka.topics import MAX_RECORD_BYTES, MEASUREMENTS, ensure_topics
from gridstress.live.feeder import pump
from gridstress.run_records.frame_sinks import KafkaSink
from gridstress.settings import Settings, load_settings
from tests.support.frames import measured
from tests.support.waiting import suspend
from topology.codec import encode
from topology.errors import BrokerError
from topology.grid import Grid

pytestmark = pytest.mark.integration

DEAD_LETTER = DeadLetter(
    0, 0, b"{}", MEASUREMENTS, 0, 0, b"north", "detection", "malformed", "", "", ""
)


@pytest.fixture
def broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, psutil.Process]]:
    """Give a broker of its own that may be suspended, and waits that are soon at their end."""
    monkeypatch.setattr(acknowledged_producer, "NOTICE_S", 0.2)
    monkeypatch.setattr(acknowledged_producer, "GIVE_UP_S", 0.5)
    monkeypatch.setattr(acknowledged_producer, "CLOSE_S", 0.2)
    with embedded_broker(directory=tmp_path) as running:
        process = psutil.Process(running.service.pid)
        yield load_settings(broker=f"kafka://{running.bootstrap}"), process
        process.resume()


async def test_a_replay_ends_when_the_broker_hangs(
    broker: tuple[Settings, psutil.Process], caplog: pytest.LogCaptureFixture
) -> None:
    settings, process = broker
    async with KafkaSink(settings, ("north",)) as sink:
        suspend(process)
        await sink.send((measured("north", [0], {"n": [1.0]}),))
        with pytest.raises(BrokerError, match="no acknowledgement for") as error:
            await sink.flush()
    assert "--resume" in (error.value.hint or "")
    assert "has acknowledged nothing" in caplog.text


async def test_dead_letters_sent_back_end_when_the_broker_hangs(
    broker: tuple[Settings, psutil.Process],
) -> None:
    settings, process = broker
    await ensure_topics(settings)

    def dead_letters() -> Iterator[DeadLetter]:
        yield DEAD_LETTER
        suspend(process)
        yield DEAD_LETTER

    with pytest.raises(BrokerError, match=r"after 1 that it took: .*no acknowledgement for"):
        await redeliver(settings, dead_letters())


async def test_a_feed_notices_that_its_last_line_was_not_acknowledged(
    broker: tuple[Settings, psutil.Process], triangle: Grid
) -> None:
    settings, process = broker

    async def lines() -> AsyncIterator[bytes]:
        yield encode(measured("north", [0], {"a": [1.0]}))
        suspend(process)
        yield encode(measured("north", [1], {"a": [1.0]}))
        await asyncio.Event().wait()

    async with KafkaSink(settings, triangle.zones) as sink:
        with pytest.raises(BrokerError, match="no acknowledgement for"):
            await pump(lines(), triangle, sink, asyncio.Event(), print)


async def test_a_broker_that_answers_again_in_time_takes_the_record(
    broker: tuple[Settings, psutil.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledged_producer, "GIVE_UP_S", 30.0)
    settings, process = broker
    await ensure_topics(settings)
    async with AcknowledgedProducer(settings, max_bytes=MAX_RECORD_BYTES) as producer:
        suspend(process)
        sent = await producer.send(MEASUREMENTS, b"{}", key=b"north", partition=0)
        monkeypatch.setattr(acknowledged_producer.logger, "warning", lambda *_: process.resume())
        await producer.wait(sent)
    assert sent.result().offset == 0
