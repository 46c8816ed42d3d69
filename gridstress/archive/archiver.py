"""Follow the topics and write what comes into the archive, for as long as it is asked."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from functools import partial

import duckdb
from aiokafka import TopicPartition

from gridstress.archive.batch import Batch
from gridstress.archive.files import RUNS, Archive, Reached, digest_of, run_folder
from gridstress.archive.retention import delete_old
from gridstress.kafka import topics
from gridstress.kafka.topic_reader import Follower, followed, read_record
from gridstress.settings import Settings
from topology.errors import GridstressError

logger = logging.getLogger(__name__)

FLUSH_S = 5.0
"""How long a record may wait for its file, s."""
FLUSH_BYTES = 32 << 20
"""Size of what waits, as JSON."""
LAST_S = 8.0
"""How long it may read on once it is asked to stop."""
QUIET_S, TIDY_S = 60.0, 15.0
"""A run is compacted when its records have stopped for so long; how often that is seen to."""


class Archiver:
    """Keeps an archive up to date; ``group`` is the consumer group that shows how far it is."""

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self.settings, self.archive = settings, archive
        self.group = f"{settings.group}-archive"
        self._batch = Batch(settings.model_names)
        self._since_s = self._tidy_at = 0.0
        # Folders are put in order at least once by each process: the last may have been killed.
        self._moved_at = dict.fromkeys((archive.home / RUNS).glob("*"), -math.inf)

    async def run(self, stop: asyncio.Event) -> None:
        """Archive until stopped, and then all that lies in the topics by then.

        Raises
        ------
        BrokerError
            If the broker does not answer.
        DataError
            If a topic does not exist.
        GridstressError
            If the files cannot be written; nothing is lost then, the next start reads it again.
        """
        names = self._batch.topics
        async with followed(self.settings.kafka, names, self.group) as follower:
            await self._begin(follower)
            await self._flush(follower)  # its place is known from now on
            while not stop.is_set():
                await self._step(follower)
                waited_s = time.monotonic() - self._since_s
                if self._batch.reached and waited_s > FLUSH_S:
                    await self._flush(follower)
                elif time.monotonic() > self._tidy_at:
                    await self._write(self._tidy)
            until = time.monotonic() + LAST_S
            while await self._step(follower) and time.monotonic() < until:
                pass
            await self._flush(follower)

    async def _step(self, follower: Follower) -> bool:
        """Read some records, if there are any."""
        records = await follower.read(follower.begins)
        if not self._batch.reached:
            self._since_s = time.monotonic()
        for record in records:
            self._batch.take(record)
        if self._batch.size > FLUSH_BYTES:
            await self._flush(follower)
        return bool(records)

    async def _begin(self, follower: Follower) -> None:
        """Go on behind what is archived, or from the beginning of topics that were made anew."""
        known = {tp: self.archive.reached.get((tp.topic, tp.partition)) for tp in follower.begins}
        places = {tp: reached for tp, reached in known.items() if reached is not None}
        for tp, reached in places.items():
            if not await self._is_same_log(tp, follower.begins[tp], reached):
                logger.warning("the topics were made anew: all they hold is archived as new runs")
                self.archive.logs += 1
                return
        for tp, reached in places.items():
            follower.seek(tp, max(follower.begins[tp], reached.next))

    async def _is_same_log(self, tp: TopicPartition, begin: int, known: Reached) -> bool:
        if begin > known.last:
            return True  # retention has deleted the last record, and cannot tell
        where = self.settings.kafka
        record = await read_record(where, tp.topic, tp.partition, known.last)
        if record is None or tp.topic == topics.RUNS:
            return record is not None  # compaction may have deleted the record, not all behind it
        return record.offset == known.last and digest_of(record) == known.digest

    async def _flush(self, follower: Follower) -> None:
        done, self._batch = self._batch, Batch(self.settings.model_names)
        await self._write(partial(self.archive.flush, done.lines, done.reached))
        now_s = time.monotonic()
        self._moved_at |= {run_folder(self.archive.home, run): now_s for run, _ in done.lines}
        if done.reached:
            await follower.commit({TopicPartition(*tp): r.next for tp, r in done.reached.items()})

    def _tidy(self) -> None:
        """Compact files of runs; delete runs beyond their time."""
        now_s = time.monotonic()
        self._tidy_at = now_s + TIDY_S
        for folder, at_s in list(self._moved_at.items()):
            quiet = now_s - at_s > QUIET_S
            self.archive.compact(folder, whole=quiet)
            if quiet:
                del self._moved_at[folder]
        for kept in delete_old(
            self.archive.home, self.settings.archive_days, self.settings.archive_gb
        ):
            logger.info("run %s is deleted from the archive: %.1f MB", kept.run, kept.size / 1e6)

    async def _write(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except (OSError, duckdb.Error) as error:
            raise GridstressError(
                f"the archive {self.archive.home} cannot be written: {error}",
                hint="free space or change GRIDSTRESS_ARCHIVE_DIR; nothing is lost: the next "
                "start goes on with what is not in files yet",
            ) from error
