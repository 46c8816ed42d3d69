"""The example, killed at a fixed point: exact with the corrections, and wrong without."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.support.word_counts import Counts, WordCount, expected, make_topic, send

pytestmark = [pytest.mark.integration, pytest.mark.kafka_too]

MINUTE = time.time() // 60 * 60
WORDS = [
    (word, MINUTE + second)
    for second in (0, 60)
    for word in ("a", "rose", "is", "a", "rose", "is", "a", "rose", "said", "she")
]
PATIENCE_S = 80.0
SETTINGS = {
    "broker_commit_interval": 0.3,
    # The embedded broker says that a log ends in its last batch, which stock Faust believes.
    "producer_max_batch_size": 1,
}


async def counted_after_a_kill(worker: WordCount, point: str) -> Counts:
    async with worker:
        await worker.start(point)
        async with asyncio.timeout(PATIENCE_S):
            assert await worker.process.wait() == -signal.SIGKILL
        recovered = worker.recoveries()
        await worker.start()
        async with asyncio.timeout(PATIENCE_S):
            while (  # noqa: ASYNC110 - another process meets it
                worker.recoveries() == recovered or await worker.has_read() < len(WORDS)
            ):
                await asyncio.sleep(0.1)
    return await worker.counted()


async def test_counts_are_exact_after_a_kill_and_wrong_without_make_safe(
    broker: str, tmp_path: Path
) -> None:
    await make_topic(broker)
    await send(broker, WORDS)
    kinds = [(corrected, point) for corrected in (True, False) for point in ("write", "commit")]
    found = await asyncio.gather(
        *(
            counted_after_a_kill(
                WordCount(broker, tmp_path, version, corrected=corrected, **SETTINGS), point
            )
            for version, (corrected, point) in enumerate(kinds, 2)
        )
    )
    assert found[:2] == [expected(WORDS)] * 2
    for wrong in found[2:]:
        assert wrong < expected(WORDS)
