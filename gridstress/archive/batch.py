"""Records that wait for their files, as lines of JSON by run and kind."""

import logging
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from gridstress.archive.files import Reached, digest_of
from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.faust_fixes.headers import as_text, known_headers
from gridstress.kafka import topics
from topology.codec import decode, encode, is_packed
from topology.errors import MessageError
from topology.messages import MeasurementFrame, Name, RiskAlert, RiskWindow
from topology.run_messages import decode_run_record

logger = logging.getLogger(__name__)

Line = tuple[str, str, bytes]
"""A run, a kind of record, and the record as JSON; the run is empty where there is none."""


class Batch:
    """Takes records of some models' topics, each partition's in order.

    Attributes
    ----------
    lines
        By run and kind; what is none of our records has no line.
    reached
        By topic and partition, how far the records go.
    size
        Bytes of all lines.
    """

    def __init__(self, models: Sequence[str]) -> None:
        self._kinds: dict[str, tuple[str, type[Any], str]] = {
            topics.MEASUREMENTS: ("measurements", MeasurementFrame, "")
        }
        for model in models:
            self._kinds[topics.windows(model)] = "windows", RiskWindow, model
            self._kinds[topics.alerts(model)] = "alerts", RiskAlert, model
        self.topics = [*self._kinds, topics.DEAD_LETTERS, topics.RUNS]
        self.lines: defaultdict[tuple[str, str], list[bytes]] = defaultdict(list)
        self.reached: dict[tuple[str, int], Reached] = {}
        self.size = 0

    def take(self, record: ConsumerRecord) -> None:
        """Take a record."""
        place = record.topic, record.partition
        self.reached[place] = Reached(record.offset + 1, record.offset, digest_of(record))
        unreadable = isinstance(record.value, Undecodable)
        for run, kind, value in () if unreadable else self._lines_of(record):
            line = b'{"partition":%d,"offset":%d,"ts":%d,"r":%s}\n' % (
                record.partition, record.offset, record.timestamp or 0, value,
            )  # fmt: skip
            self.lines[run, kind].append(line)
            self.size += len(line)

    def _lines_of(self, record: ConsumerRecord) -> Iterator[Line]:
        """What is kept of a record; of one that the workers refuse, its dead letter is."""
        try:
            if record.topic == topics.RUNS:
                run, found = decode_run_record(record.key, record.value)
                if found is not None:
                    yield run, "records", encode(found)
            elif record.topic == topics.DEAD_LETTERS:
                yield _dead_letter(record)
            else:
                name, kind, model = self._kinds[record.topic]
                value = decode(record.value, kind)
                if getattr(value, "model", model) != model or (
                    isinstance(value, RiskWindow) and value.shard != record.partition
                ):
                    logger.warning(
                        "left out %s: of another place",
                        f"{record.topic}/{record.partition}@{record.offset}",
                    )
                    return
                # Written anew: other readers of JSON take a doubled field otherwise.
                yield value.run, name, encode(value)
        except MessageError:
            return


def _dead_letter(record: ConsumerRecord) -> Line:
    headers = {name: as_text(value) for name, value in known_headers(record.headers).items()}
    value = None if record.value is None else b64encode(record.value).decode()
    line = msgspec.json.encode({"headers": headers, "value": value})
    of_run = _run_of(headers.get("topic", ""), record.value or b"")
    return of_run, "dead_letters", line


class _Named(msgspec.Struct):
    run: Name


_BEGINNING = re.compile(rb'\{"schema":1,"run":("(?:[^"\\]|\\.)*")')
"""How JSON frames begin that stages write: what is left of one whose dead letter was cut."""


def _run_of(topic: str, raw: bytes) -> str:
    """The run that a record of a topic names; empty if it names none."""
    packed = is_packed(raw) and topic != topics.MEASUREMENTS
    read = msgspec.msgpack.decode if packed else msgspec.json.decode
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return read(raw, type=_Named).run
    found = _BEGINNING.match(raw)
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(found[1], type=Name) if found else ""
    return ""
