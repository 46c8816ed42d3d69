"""Whose rows a record carries, and when it was written: all that the bench reads of frames."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from gridstress.kafka.topic_reader import scan_topic
from gridstress.settings import Settings
from topology.codec import decode
from topology.messages import ZoneFrame

Zone = tuple[str, str]
"""A run and one of its zones."""


class FrameRows(NamedTuple):
    """The rows of one record.

    Attributes
    ----------
    seqs
        Sequence numbers of its rows.
    at_ms
        The record's timestamp: the producer's for measurements, else the broker's.
    """

    zone: Zone
    seqs: range
    at_ms: int


async def scan_rows(
    settings: Settings, topic: str, kind: type[ZoneFrame]
) -> AsyncIterator[FrameRows]:
    """Yield the rows of each frame of a topic, of this kind; final frames have none.

    Raises
    ------
    MessageError
        If a record is no such frame.
    """
    async for record in scan_topic(settings.kafka, topic):
        frame = decode(record.value, kind)
        if not frame.final:
            seqs = range(frame.seq, frame.last_seq + 1)
            yield FrameRows((frame.run, frame.zone), seqs, record.timestamp)
