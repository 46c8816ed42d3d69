"""The corrections' example as a process, with or without them, and what it has counted.

Run as a program it is the example itself, for which `make_safe` may do nothing, and which may end
itself with SIGKILL at a fixed point:

- ``write``: the broker has all writes of the table before the first of `DEADLY`, which is not sent.
- ``commit``: the broker has taken a commit; for some seconds it takes no writes of the table.
"""

import asyncio
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from gridstress.faust_fixes import recovery
from gridstress.faust_fixes.fencing import NO_OWNER, Epoch, counts, is_fence
from gridstress.kafka.probe import is_embedded
from gridstress.kafka.topic_reader import scan_topic

EXAMPLE = "gridstress.faust_fixes.examples.word_count"
TOPIC, PARTITIONS = "words", 2
SESSION_S = 2.0
DEADLY = "said"
"""A word that is said once in a window: no later write makes up for a lost one."""

SLOW_S = 3.0
"""So long is the first write on its way: longer than a busy worker takes to commit."""
ROOT = Path(__file__).parents[2]

Word = tuple[str, float]
"""A word, and when it was said: Unix time, s."""

Counts = Counter[tuple[str, float]]
"""How often each word was counted in the minute that begins then."""


class WordCount:
    """A worker that can be killed and started again with the data directory that it had.

    Parameters
    ----------
    version
        Faust's version of the app, from 2: each is a group with a table of its own.
    settings
        Further ones of Faust's.
    """

    process: asyncio.subprocess.Process

    def __init__(
        self, broker: str, home: Path, version: int, *, corrected: bool, **settings: Any
    ) -> None:
        self.group, self.corrected = f"word-count-v{version}", corrected
        self._broker, self._log = broker, home / f"{self.group}.log"
        home.mkdir(parents=True, exist_ok=True)
        self._settings = {
            "version": version,
            "broker": f"kafka://{broker}",
            "datadir": str(home / self.group),
            "topic_partitions": PARTITIONS,
            **settings,
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self, ends_at: str = "") -> None:
        """Start it, to end by itself at a point or not at all."""
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, __file__, json.dumps([self.corrected, ends_at, self._settings])),
                *("worker", "-l", "info", "--without-web"),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    async def kill(self) -> None:
        """End it with SIGKILL."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def has_read(self) -> int:
        """How many records are committed."""
        async with aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self._broker, group_id=self.group, enable_auto_commit=False
        ) as group:
            tps = [aiokafka.TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
            return sum([await group.committed(tp) or 0 for tp in tps])

    def recoveries(self) -> int:
        """How often it has recovered its table."""
        return self._log.read_text().count("Worker ready")

    async def counted(self) -> Counts:
        """What any worker that begins with the changelog alone makes of it."""
        current, table = [NO_OWNER] * PARTITIONS, Counts()
        async for record in scan_topic(self._broker, f"{self.group}-counts-changelog"):
            epoch = Epoch.of(record.headers)
            if counts(epoch, current[record.partition]):
                current[record.partition] = epoch
                if not is_fence(record.key):
                    word, (begin, _) = json.loads(record.key)
                    table[word, begin] = json.loads(record.value)[1]
        return table


async def make_topic(broker: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    await admin.close()


async def send(broker: str, words: list[Word]) -> None:
    """Send words, in this order."""
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker) as producer:
        for word, time_s in words:
            key = word.encode()
            await producer.send(TOPIC, b"", key=key, timestamp_ms=int(time_s * 1000))


def expected(words: list[Word]) -> Counts:
    """What has to be counted."""
    return Counts((word, time_s // 60 * 60) for word, time_s in words)


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _end_at(point: str) -> None:
    send, commit = aiokafka.AIOKafkaProducer.send, aiokafka.AIOKafkaConsumer.commit
    begun: list[float] = []

    async def send_then(self: Any, topic: str, *args: Any, **kwargs: Any) -> Any:
        if topic.endswith("-changelog") and not is_fence(kwargs["key"]):
            if point == "commit":
                now = time.monotonic()
                begun.append(now)
                await asyncio.sleep(begun[0] + SLOW_S - now)
            elif json.loads(kwargs["key"])[0] == DEADLY:
                await self.flush()
                _end()
        return await send(self, topic, *args, **kwargs)

    async def commit_then(self: Any, offsets: Any) -> None:
        await commit(self, offsets)
        if point == "commit" and any(place.offset for place in offsets.values()):
            _end()

    aiokafka.AIOKafkaProducer.send = send_then
    aiokafka.AIOKafkaConsumer.commit = commit_then


if __name__ == "__main__":
    corrected, point, given = json.loads(sys.argv.pop(1))
    settings = recovery.safe_settings(session_timeout_s=SESSION_S) | given
    recovery.safe_settings = lambda **_: settings
    safe = partial(recovery.make_safe, ask_embedded=is_embedded)
    recovery.make_safe = safe if corrected else lambda app: None
    if point:
        _end_at(point)
    runpy.run_module(EXAMPLE, run_name="__main__")
