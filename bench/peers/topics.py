"""The peers' topics: created and filled before the clock starts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from bench.peers.material import Measurement
from topology.codec import encode
from topology.errors import BrokerError
from topology.messages import MeasurementFrame

Record = tuple[int | None, bytes, bytes, int | None]
"""Partition (None: by the key's hash), key, value, timestamp in ms (None: now)."""

KEPT: Mapping[str, str] = {"retention.ms": "-1"}
"""Records carry event times of the past: by default Kafka would delete them within minutes."""
COMPACTED: Mapping[str, str] = {"cleanup.policy": "compact", "retention.ms": "-1"}


async def make_topics(
    bootstrap: str, names: Mapping[str, Mapping[str, str]], partitions: int
) -> None:
    """Make topics with their own settings.

    Raises
    ------
    BrokerError
        If the broker does not make one.
    """
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=dict(c)) for name, c in names.items()]
        )
    finally:
        await admin.close()
    for name, code, message in answer.topic_errors:
        if code:
            raise BrokerError(f"the broker did not make topic {name}: error {code} {message or ''}")


async def fill(bootstrap: str, topic: str, records: Iterable[Record]) -> None:
    """Send records; all are acknowledged when this returns."""
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=1 << 18)
    await producer.start()
    try:
        for partition, key, value, timestamp_ms in records:
            await producer.send(
                topic, value, key=key, partition=partition, timestamp_ms=timestamp_ms
            )
        await producer.flush()
    finally:
        await producer.stop()


def frame_records(frames: Sequence[MeasurementFrame], partitions: int) -> Iterator[Record]:
    """Yield frames as the replayer sends them: each zone's in one partition."""
    zones = sorted({frame.zone for frame in frames})
    partition = {zone: i % partitions for i, zone in enumerate(zones)}
    for frame in frames:
        yield partition[frame.zone], frame.zone.encode(), encode(frame), None


def measurement_records(measurements: Iterable[Measurement]) -> Iterator[Record]:
    """Yield records of one node each, keyed by it, with the event time as Kafka's timestamp."""
    encoder = msgspec.json.Encoder()
    for one in measurements:
        yield None, one.node.encode(), encoder.encode(one), int(one.timestamp * 1000)
