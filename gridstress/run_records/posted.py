"""Keep the records of runs that programs post to a worker."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from agents.outbox import Topic
from gridstress.kafka.topics import MAX_RECORD_BYTES
from gridstress.run_records.record import Origin, Sender, check_known
from gridstress.settings import Settings
from topology.codec import encode
from topology.grid import Grid
from topology.run_messages import RunRecord

log = logging.getLogger(__name__)

POSTED_RUNS = 1_000
"""Runs whose records a worker keeps at hand; of more, it looks the oldest up again."""

_ENVELOPE_BYTES = 1_000
"""What a record takes beside its value."""


@dataclass(frozen=True)
class PostedRuns:
    """Describes runs that are posted, and writes their records to ``topic``.

    Parameters
    ----------
    known
        The records on the topic, by run.
    """

    topic: Topic
    settings: Settings
    grid: Grid
    known: Mapping[str, RunRecord]

    def describe(self, run: str, source: str, synthetic: bool | None) -> RunRecord:
        """Give the record that is known of a run, or a new one.

        Raises
        ------
        UsageError
            As `check_known`.
        """
        new = replace(self._sender.record(run), source=source, synthetic=synthetic)
        known = self.known.get(run, new)
        check_known(new, known)
        return known

    async def write(self, record: RunRecord) -> None:
        """Write a record; returns once the broker has it. One that is too large is left out."""
        value = encode(record)
        if len(value) > MAX_RECORD_BYTES - _ENVELOPE_BYTES:
            log.warning("the record of run %s has %s bytes: not written", record.run, len(value))
            return
        await (await self.topic.send(key=record.run.encode(), value=value))

    @cached_property
    def _sender(self) -> Sender:
        return Sender(Origin("live", "http", synthetic=None), self.settings, self.grid)
