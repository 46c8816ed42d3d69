"""Faults of what is sent: other runs, and records that are none, amid the year."""

import asyncio
import json
import random
import time
from typing import Any

from aiokafka import AIOKafkaProducer

from gridstress.kafka.topics import MAX_INTAKE_BYTES, MEASUREMENTS
from tests.chaos.acts.scene import Facts, Scene
from tests.chaos.schedule import Act
from tests.chaos.short_runs import PARTITIONS, short_run
from tests.support.odd_records import CODECS, odd, send, send_header_key
from topology.loaders import load_grid

VERIFIED = 3
"""Of the short runs, how many are verified; the one with odd clocks is among them."""

LARGEST_BYTES = MAX_INTAKE_BYTES - 1024
"""Of a value that still fits into a batch that the topic takes."""

UNPACKED_BYTES = 2_200_000
"""Of a value that only fits because it is compressed, and into no dead letter."""


async def replayer_kill(scene: Scene, act: Act) -> Facts:
    """SIGKILL of the replayer, resumed after a while."""
    return {"at": act.at, "was_sending": await scene.sending.kill(act.hold_s)}


async def short_runs(scene: Scene, act: Act) -> Facts:
    """Send many short runs at once; some are to be verified in the end."""
    rng, grid = random.Random(act.seed), load_grid("germany")
    names = [f"short-{time.time_ns()}-{number}" for number in range(act.count)]
    runs = [short_run(rng, grid, name, odd_clock=name == names[0]) for name in names]
    verified = [names[0], *rng.sample(names[1:], VERIFIED - 1)]
    codecs = (None, *CODECS)
    await asyncio.gather(
        *(
            _send_mixed(scene.cluster.bootstrap, rng, runs[i :: len(codecs)], codec)
            for i, codec in enumerate(codecs)
        )
    )
    scene.short_runs += verified
    return {"runs": act.count, "records": sum(map(len, runs)), "to_be_verified": verified}


async def odd_records(scene: Scene, act: Act) -> Facts:
    """Send records of every odd kind by every codec; verify wants a dead letter for each."""
    bootstrap, rng = scene.cluster.bootstrap, random.Random(act.seed)
    taken = {}
    for codec in (None, *CODECS):
        found = [*odd(), *_large(codec), _newer(scene.sending.run)]
        rng.shuffle(found)
        for one in found:
            one["partition"] = rng.randrange(PARTITIONS)
        taken[codec or "plain"] = await send(bootstrap, MEASUREMENTS, found, codec)
    await send_header_key(bootstrap, MEASUREMENTS)
    return {"taken": taken}


def _large(codec: str | None) -> list[dict[str, Any]]:
    sizes = [LARGEST_BYTES, *([UNPACKED_BYTES] if codec else [])]
    return [{"key": b"k", "value": b"x" * size} for size in sizes]


def _newer(run: str) -> dict[str, Any]:
    """A record of the run that only a newer gridstress could read."""
    return {"key": b"k", "value": json.dumps({"schema": 99, "run": run}).encode()}


async def _send_mixed(
    bootstrap: str, rng: random.Random, runs: list[list[tuple[int, bytes]]], codec: str | None
) -> None:
    """Send the records of all runs mixed up, those of a run in their order."""
    left = [list(reversed(run)) for run in runs if run]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=codec)
    await producer.start()
    try:
        while left:
            run = rng.choice(left)
            partition, value = run.pop()
            await producer.send(MEASUREMENTS, value, key=b"k", partition=partition)
            left = [run for run in left if run]
        await producer.flush()
    finally:
        await producer.stop()
