"""Follow the topics and write what comes into the archive, for as long as it is asked."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection
from functools import partial

import duckdb
from aiokafka import TopicPartition

from gridstress.archive.batch import Batch
from gridstress.archive.files import RUNS, Archive, digest_of, run_folder
from gridstress.archive.retention import delete_old
from gridstress.kafka import topics
from gridstress.kafka.topic_reader import Follower, SpotReader, followed, spot_reader
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

Place = tuple[str, int]
"""A topic and a partition."""


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
        while not stop.is_set():
            async with (
                followed(self.settings.kafka, self._batch.topics, self.group) as follower,
                spot_reader(self.settings.kafka) as spots,
            ):
                await self._follow(follower, spots, stop)

    async def _follow(self, follower: Follower, spots: SpotReader, stop: asyncio.Event) -> None:
        """Archive until stopped, or until topics have other partitions than those that are read."""
        if not await self._is_same_log(follower.begins, spots):
            self._begin_log()
        for tp, begin in follower.begins.items():
            known = self.archive.reached.get((tp.topic, tp.partition))
            if known is not None:
                follower.seek(tp, max(begin, known.next))
        await self._flush(follower, spots)  # its place is known from now on
        while not stop.is_set() and not follower.has_other_partitions():
            await self._step(follower, spots)
            waited_s = time.monotonic() - self._since_s
            if self._batch.reached and waited_s > FLUSH_S:
                await self._flush(follower, spots)
            elif time.monotonic() > self._tidy_at:
                await self._write(self._tidy)
        until = time.monotonic() + LAST_S
        while (more := await self._step(follower, spots)) and time.monotonic() < until:
            pass
        await self._flush(follower, spots)
        if more:
            logger.warning(
                "records were left unread after %.0f s: the next start reads them", LAST_S
            )

    async def _step(self, follower: Follower, spots: SpotReader) -> bool:
        """Read some records, if there are any."""
        records = await follower.read(follower.begins)
        if not self._batch.reached:
            self._since_s = time.monotonic()
        for record in records:
            self._batch.take(record)
        if self._batch.size > FLUSH_BYTES:
            await self._flush(follower, spots)
        return bool(records)

    async def _is_same_log(
        self, read: Collection[TopicPartition], spots: SpotReader, only: Collection[Place] = ()
    ) -> bool:
        """Whether the last records that are in files are still where they were.

        Of a partition whose last one retention has deleted that cannot be known; of a compacted
        topic it may be gone. ``only`` are the partitions that are looked at, by default all.
        """
        known = {
            tp: reached
            for tp in read
            if (reached := self.archive.reached.get((tp.topic, tp.partition)))
            and tp.topic != topics.RUNS
            and (not only or (tp.topic, tp.partition) in only)
        }
        begins = await spots.begins(known)
        places = {tp: known[tp].last for tp, begin in begins.items() if begin <= known[tp].last}
        found = await spots.at(places)
        return all(
            tp in found and found[tp].offset == last and digest_of(found[tp]) == known[tp].digest
            for tp, last in places.items()
        )

    def _begin_log(self) -> None:
        logger.warning("the topics were made anew: all they hold is archived as new runs")
        self.archive.begin_log()
        self._batch = Batch(self.settings.model_names)

    async def _flush(self, follower: Follower, spots: SpotReader) -> None:
        """Write what was read, unless it is of other topics than what was written before it.

        What was read before the question is of the log that it is about.
        """
        done, self._batch = self._batch, Batch(self.settings.model_names)
        if not await self._is_same_log(follower.begins, spots, done.reached):
            self._begin_log()
            await follower.seek_to_begin()
            return
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
            try:
                self.archive.compact(folder, whole=quiet)
            except (duckdb.InvalidInputException, duckdb.IOException, FileNotFoundError) as error:
                # A file that is damaged, or the run was deleted meanwhile.
                logger.warning("%s cannot be compacted: %s", folder, error)
                quiet = True
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
