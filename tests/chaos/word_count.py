"""Two workers of the corrections' example, killed at random; the same without `make_safe` beside.

Only the corrected ones have to be exact. What the others miss or have too often is reported.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from shutil import rmtree

from bench.harness.brokers import apache_broker
from tests.support.word_counts import Word, WordCount, expected, make_topic, send

KILLS = 8
PAUSE_S = (0.5, 5.0)
"""Time between two kills: some come before a worker has recovered, some while it works."""

VICTIMS = ((0,), (1,), (0, 1))

VOCABULARY = 50_000
"""So many that most are said once in a minute: no later write makes up for one that is lost."""
BURST, BURST_EVERY_S = 2_000, 1.0
PATIENCE_S = 60.0
"""Longest wait for a commit while there is something left to be read."""


async def play(seed: int, home: Path, say: Callable[[str], None]) -> bool:
    """Whether the corrected workers have counted every word once."""
    rng, words = random.Random(seed), list[Word]()
    rmtree(home, ignore_errors=True)  # of a story that was interrupted
    with apache_broker(directory=home / "broker") as broker:
        await make_topic(broker.bootstrap)
        async with AsyncExitStack() as started:
            twins = [
                [
                    await started.enter_async_context(
                        WordCount(broker.bootstrap, home / which, version, corrected=version == 2)
                    )
                    for version in (2, 3)
                ]
                for which in ("first", "second")
            ]
            for worker in (*twins[0], *twins[1]):
                await worker.start()
            stop = asyncio.Event()
            sending = asyncio.create_task(_send(broker.bootstrap, words, stop))
            for _ in range(KILLS):
                await asyncio.sleep(rng.uniform(*PAUSE_S))
                victims = [worker for twin in rng.choice(VICTIMS) for worker in twins[twin]]
                for worker in victims:
                    await worker.kill()
                for worker in victims:
                    await worker.start()
            stop.set()
            await sending
            left = [await _left(worker, len(words)) for worker in twins[0]]
        exact = [
            await _judge(worker, words, unread, say)
            for worker, unread in zip(twins[0], left, strict=True)
        ]
    return exact[0]


async def _send(broker: str, words: list[Word], stop: asyncio.Event) -> None:
    rng = random.Random(0)
    while not stop.is_set():
        now = time.time()
        burst = [(f"word {rng.randrange(VOCABULARY)}", now) for _ in range(BURST)]
        await send(broker, burst)
        words += burst
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), BURST_EVERY_S)


async def _left(worker: WordCount, sent: int) -> int:
    """How many words the group has not read when it has had time to."""
    read, at = 0, time.monotonic()
    while read < sent and time.monotonic() < at + PATIENCE_S:
        await asyncio.sleep(0.5)
        if (now := await worker.has_read()) > read:
            read, at = now, time.monotonic()
    return sent - read


async def _judge(
    worker: WordCount, words: list[Word], unread: int, say: Callable[[str], None]
) -> bool:
    wanted, found = expected(words), await worker.counted()
    say(
        f"{'with' if worker.corrected else 'without'} make_safe: {len(words):,} words, "
        f"{KILLS} kills; {(wanted - found).total()} lost, {(found - wanted).total()} counted "
        f"twice, {unread} not read"
    )
    return found == wanted
