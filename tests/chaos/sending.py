"""A run on its way into the topic: begun, killed, resumed, until all of it is there."""

import asyncio
import contextlib
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from gridstress.kafka.topics import MEASUREMENTS
from tests.chaos.cluster import Cluster
from tests.chaos.worker import Hung

TRIES = 60
FULL_SPEED = "max"
PARTITIONS = [TopicPartition(MEASUREMENTS, partition) for partition in range(4)]


class Sending:
    """``gridstress replay`` under a supervisor that resumes it whenever it did not end well.

    Attributes
    ----------
    resumed
        How often it was taken up again after it had ended badly.
    """

    def __init__(
        self, cluster: Cluster, run: str, load: Sequence[str], speed: str = FULL_SPEED
    ) -> None:
        self.run = run
        self.resumed = 0
        self._cluster, self._speed = cluster, speed
        self._words = ("replay", *load, "--run", run)
        self._process: asyncio.subprocess.Process | None = None
        self._rest_s = 1.0
        self.task = asyncio.create_task(self._send())

    async def kill(self, hold_s: float) -> bool:
        """SIGKILL, to be resumed after so many seconds; whether it was still at work."""
        if self._process is None or self._process.returncode is not None:
            return False
        self._rest_s = hold_s
        self._process.kill()
        return True

    def hurry(self) -> None:
        """Send what is left at full speed."""
        if self._speed != FULL_SPEED and not self.task.done():
            self._speed, self._rest_s = FULL_SPEED, 0.0
            self.resumed -= 1  # for it ends as it is asked to
            if self._process is not None and self._process.returncode is None:
                self._process.terminate()

    async def _send(self) -> None:
        log = self._cluster.home / f"replay-{self.run}.log"
        resume: tuple[str, ...] = ()
        for _ in range(TRIES):
            words = (*self._words, "--speed", self._speed, *resume)
            self._process = await self._cluster.command(*words, log=log)
            try:
                if await self._process.wait() == 0:
                    return
            finally:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            await asyncio.sleep(self._rest_s)
            self._rest_s = 1.0
            self.resumed += 1
            resume = ("--resume",)
        raise Hung(f"run {self.run} could not be sent in {TRIES} tries; see {log.name}")


class Ends:
    """How many messages ``grid_measurements`` holds."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: AIOKafkaConsumer | None = None
        self.known = 0

    async def close(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def count(self) -> int:
        """As many as there are, or as were last known while the broker does not answer."""
        try:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap)
                await consumer.start()
                self._consumer = consumer
            ends = await asyncio.wait_for(self._consumer.end_offsets(PARTITIONS), 3)
            self.known = sum(ends.values())
        except (KafkaError, OSError, TimeoutError):
            await self.close()
        return self.known
