"""When each row was sent and when it was applied to the table, from the broker's log.

A row's risk is in the table when the state that counts the row stands in the changelog, for every
shard of every model. The bench makes the changelogs with ``LogAppendTime``, so that moment is the
broker's, after everything that stands between a sum and its being safe. Nothing polls, and
nothing is asked of the worker while it works.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.measures.frame_rows import Zone, scan_rows
from gridstress.faust_fixes.fencing import is_fence
from gridstress.kafka import topics
from gridstress.kafka.topic_reader import scan_topic
from gridstress.settings import Settings
from tables.risk_table import Change, RiskTable
from topology.errors import GridstressError
from topology.messages import MeasurementFrame

LOG_APPEND = 1
"""Type of a timestamp that the broker has set."""

Part = tuple[str, int]
"""A model and a shard."""


@dataclass
class Progress:
    """How far the shards had come, and when.

    Attributes
    ----------
    steps
        By zone of a run and by part: (wall clock in ms, last sequence number applied), in the
        order of the log.
    changelog_bytes
        Keys and values of all changelog records, uncompressed; without fences.
    began_ms
        When the first stage sent its first result.
    broker_clock
        Whether all of these times are the broker's.
    """

    began_ms: int = 0
    changelog_bytes: int = 0
    broker_clock: bool = True
    steps: dict[Zone, dict[Part, list[tuple[int, int]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def ended_ms(self, last: Mapping[Zone, int], parts: int) -> int:
        """When the last row of the last zone was in the table of every part.

        Parameters
        ----------
        last
            By zone of a run, its last sequence number.
        parts
            Number of shards, all models together.

        Raises
        ------
        GridstressError
            If some part has not got there.
        """
        return max(
            int(applied_ms(self.steps.get(zone, {}), [seq], parts)[0]) for zone, seq in last.items()
        )


def applied_ms(
    steps: Mapping[Part, Sequence[tuple[int, int]]], seqs: Sequence[int], parts: int
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """When each row of a zone was in the table of all parts, ms; shape (seqs,).

    Raises
    ------
    GridstressError
        If a part is missing, or has not applied a row.
    """
    if len(steps) != parts:
        raise GridstressError(f"{len(steps)} of {parts} shards have written their state")
    done = np.zeros(len(seqs), np.int64)
    for part, found in steps.items():
        at_ms, seq = np.array(found, np.int64).T
        # A shard that changes hands may repeat what it has written before.
        place = np.searchsorted(np.maximum.accumulate(seq), seqs)
        if (place == len(found)).any():
            raise GridstressError(f"shard {part} has not applied all rows")
        done = np.maximum(done, at_ms[place])
    return done


@dataclass(frozen=True)
class _Record:
    """A table that consists of one record of its changelog."""

    key: bytes
    value: bytes

    def stored(self, shard: int, key: bytes) -> bytes | None:
        return self.value if key == self.key else None

    def stored_keys(self, shard: int) -> Sequence[bytes]:
        return [self.key]

    def version(self, shard: int) -> int:
        return 0

    async def write(self, shard: int, changes: Sequence[Change], version: Any) -> None:
        raise NotImplementedError("a record of a changelog stays as it is")


async def read_progress(settings: Settings) -> Progress:
    """Read the changelogs of all models from beginning to end."""
    progress = Progress()
    async for record in scan_topic(settings.kafka, topics.STRESS):
        if not progress.began_ms or record.timestamp < progress.began_ms:
            progress.began_ms = record.timestamp
    for model in settings.model_names:
        changelog = topics.changelog(settings.group, model)
        async for record in scan_topic(settings.kafka, changelog):
            progress.broker_clock &= record.timestamp_type == LOG_APPEND
            if is_fence(record.key):
                continue
            progress.changelog_bytes += len(record.key or b"") + len(record.value or b"")
            if record.value is None:
                continue
            shard = record.partition
            table = RiskTable(_Record(record.key, record.value), 0)
            for run in table.index(shard).runs:
                state = table.state(run, shard)
                assert state is not None
                for zone, seq in state.applied.items():
                    progress.steps[run, zone][model, shard].append((record.timestamp, seq))
    return progress


async def read_sent(settings: Settings, run: str) -> dict[Zone, list[tuple[int, int]]]:
    """By zone of a run, (sequence number, ms at which the producer was given it) of its rows."""
    sent: dict[Zone, list[tuple[int, int]]] = defaultdict(list)
    async for rows in scan_rows(settings, topics.MEASUREMENTS, MeasurementFrame):
        if rows.zone[0] == run:
            sent[rows.zone] += [(seq, rows.at_ms) for seq in rows.seqs]
    return sent
