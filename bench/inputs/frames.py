"""Prepared input: the frames that ``gridstress replay`` would make, sent as they are stored."""

from asyncio import Future
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from gridstress.kafka.topics import MEASUREMENTS

MAX_IN_FLIGHT = 200


class _Head(msgspec.Struct):
    run: str
    zone: str
    seq: int
    timestamps: list[msgspec.Raw]
    nodes: list[msgspec.Raw]
    final: bool = False


_decoder = msgspec.json.Decoder(_Head)


@dataclass
class Input:
    """Frames in a file, one MeasurementFrame as JSON a line, with what they amount to.

    Attributes
    ----------
    last
        By run and zone, the last sequence number.
    rows
        Timestamps, counted once whatever the number of zones.
    node_measurements
        Loads of one node at one timestamp.
    """

    files: list[Path]
    last: dict[tuple[str, str], int] = field(default_factory=dict)
    rows: int = 0
    node_measurements: int = 0

    def __post_init__(self) -> None:
        rows: dict[tuple[str, str], int] = {}
        for line in self.lines():
            head = _decoder.decode(line)
            key = head.run, head.zone
            count = len(head.timestamps)
            self.last[key] = max(self.last.get(key, -1), head.seq + count - 1)
            if not head.final:
                rows[key] = rows.get(key, 0) + count
                self.node_measurements += count * len(head.nodes)
        self.rows = sum(max(n for (r, _), n in rows.items() if r == run) for run in self.runs)

    @cached_property
    def runs(self) -> list[str]:
        """Its runs, in the order they are sent."""
        return list(dict.fromkeys(run for run, _ in self.last))

    @property
    def zones(self) -> list[str]:
        """Its zones, sorted: zone *i* goes to partition *i*, as the replayer has it."""
        return sorted({zone for _, zone in self.last})

    def lines(self) -> Iterator[bytes]:
        """Yield the frames as they will be sent."""
        for path in self.files:
            with path.open("rb") as file:
                yield from (line.rstrip(b"\n") for line in file)


async def send(source: Input, bootstrap: str, partitions: int) -> None:
    """Send all of it as fast as the broker takes it; acknowledged when this returns."""
    from aiokafka import AIOKafkaProducer

    places = {zone: i % partitions for i, zone in enumerate(source.zones)}
    # Without a producer id, which the embedded broker refuses; nothing fails on loopback.
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_request_size=1 << 20, linger_ms=5
    )
    await producer.start()
    try:
        in_flight: deque[Future[Any]] = deque()
        for line in source.lines():
            if len(in_flight) >= MAX_IN_FLIGHT:
                await in_flight.popleft()
            zone = _decoder.decode(line).zone
            in_flight.append(
                await producer.send(MEASUREMENTS, line, key=zone.encode(), partition=places[zone])
            )
        while in_flight:
            await in_flight.popleft()
    finally:
        await producer.stop()
