"""Send measurements at a steady pace while a peer runs, and tell how late its results are."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bench.peers.material import Material, unroll
from bench.peers.topics import Record, frame_records, measurement_records
from topology.errors import GridstressError

LIVE_S = 20.0
"""How long rows are sent."""
WARM_UP_SHARE = 0.4
"""Share of the rows that comes first and is not counted: a JVM still compiles its code."""
LEAST_ROWS = 24
"""A day: less may have no stress, and so no results."""
MAX_BATCH_BYTES = 1_000_000
"""What the broker takes as one batch, with some room."""


@dataclass(frozen=True)
class Step:
    """Records that are sent together.

    ``position`` is the row at whose time they are due, ``times_s`` are the event times of the
    rows that are complete with them.
    """

    position: int
    times_s: Sequence[int]
    records: Sequence[Record]


def live_rows(rows_per_s: float, most: int) -> int:
    """How many rows a live run has at this pace, ``most`` at most."""
    return min(most, max(LEAST_ROWS, round(rows_per_s * LIVE_S)))


def record_steps(material: Material) -> Iterator[Step]:
    """Yield the measurements of one time after the other, a record a node."""
    same_time = groupby(unroll(material.frames), key=lambda one: one.timestamp)
    for position, (time_s, measurements) in enumerate(same_time):
        yield Step(position, [int(time_s)], list(measurement_records(measurements)))


def frame_steps(material: Material, partitions: int) -> Iterator[Step]:
    """Yield the frames of all zones that begin at the same time, one time after the other."""
    start_s, period_s = material.start_s, material.frames[0].period_s
    places = frame_records(material.frames, partitions)
    both = sorted(
        zip(material.frames, places, strict=True), key=lambda pair: float(pair[0].times_s[0])
    )
    for first_s, same in groupby(both, key=lambda pair: float(pair[0].times_s[0])):
        pairs = list(same)
        times_s = {int(t) for frame, _ in pairs if not frame.final for t in frame.times_s}
        position = round((first_s - start_s) / period_s)
        yield Step(position, sorted(times_s), [record for _, record in pairs])


async def send_paced(
    bootstrap: str, topic: str, partitions: int, steps: Iterable[Step], rows_per_s: float
) -> dict[int, float]:
    """Send each step when it is due; all are acknowledged when this returns.

    The batches are made beforehand, so that sending takes next to no processor time.

    Returns
    -------
    dict of int to float
        By event time of a row, when the last of its records was given to the producer (epoch s).
    """
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=MAX_BATCH_BYTES)
    await producer.start()
    try:
        prepared = [(step, _batches(producer, step, partitions)) for step in steps]
        sent_s: dict[int, float] = {}
        delivered = []
        began = time.monotonic()
        for step, batches in prepared:
            await asyncio.sleep(began + step.position / rows_per_s - time.monotonic())
            sent_s |= dict.fromkeys(step.times_s, time.time())
            for partition, batch in batches:
                delivered.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*delivered)
        return sent_s
    finally:
        await producer.stop()


def _batches(producer: Any, step: Step, partitions: int) -> list[tuple[int, Any]]:
    """The step's records as batches, each with its partition."""
    from aiokafka.partitioner import DefaultPartitioner

    partition_of, every = DefaultPartitioner(), list(range(partitions))
    batches: dict[int, list[Any]] = {}
    for place, key, value, timestamp_ms in step.records:
        partition = partition_of(key, every, every) if place is None else place
        open_batches = batches.setdefault(partition, [producer.create_batch()])
        words = {"key": key, "value": value, "timestamp": timestamp_ms}
        if open_batches[-1].append(**words) is None:  # it is full
            open_batches.append(producer.create_batch())
            open_batches[-1].append(**words)
    return [(partition, batch) for partition, ones in batches.items() for batch in ones]


def latencies_ms(sent_s: Mapping[int, float], seen_s: Mapping[int, float]) -> list[float]:
    """How long each row took that counts and has led to a result.

    Raises
    ------
    GridstressError
        If none of them has.
    """
    rows = sorted(sent_s)
    counted = rows[int(WARM_UP_SHARE * len(rows)) :]
    found = [1000 * (seen_s[row] - sent_s[row]) for row in counted if row in seen_s]
    if not found:
        raise GridstressError(
            f"no result of {len(counted)} rows", hint="more rows: a day has stressed hours"
        )
    return found
