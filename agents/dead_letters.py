"""Records that cannot be used go to the dead-letter topic, with where they came from and why."""

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from agents.outbox import Sender

log = logging.getLogger(__name__)

MAX_DETAIL = 500
MAX_DEAD_LETTER_BYTES = (2 << 20) - (8 << 10)
"""Size of key, value and headers up to which a dead letter is whole. A record may have 2 MiB; the
rest is what Kafka's format adds."""
KEPT_BYTES = 64 << 10
"""What a dead letter that would be larger keeps of the value; of the key a sixteenth of that."""

REASONS = (
    "invalid",
    "newer",
    "unknown-zone",
    "unknown-node",
    "unknown-shard",
    "late",
    "ahead",
    "forgotten",
    "other-settings",
    "too-large",
    "failed",
    "lost",
    "undecodable",
)
"""Why there is a dead letter; ``docs/messages.md`` explains each."""


class LostRecords(NamedTuple):
    """Records that the broker deleted before they were read: offsets `first` to `upto` - 1."""

    topic: str
    partition: int
    first: int
    upto: int

    def __str__(self) -> str:
        """Return it as it is written in logs and dead letters."""
        return f"{self.topic}/{self.partition}@{self.first} to {self.upto - 1}"


@dataclass
class DeadLetters:
    """The way to ``dead_letters``.

    Attributes
    ----------
    counts
        Dead letters by reason.
    lost
        What the broker deleted before this worker had read it, since the worker started.
    """

    topic: Sender
    counts: Counter[str] = field(default_factory=Counter)
    lost: list[LostRecords] = field(default_factory=list)

    async def send(self, event: Any, stage: str, reason: str, detail: str, **extra: str) -> None:
        """Send a Faust event's record to the dead-letter topic; return once the broker has it.

        The dead letter has the record's value, byte for byte. If that is too large for the topic,
        it has the beginning, and headers give the record's length and SHA-256.
        """
        message = event.message
        place = message.topic, message.partition, message.offset
        headers = {
            **_headers(*place, stage, reason, detail),
            "key": message.key or b"",
            **{name: text.encode() for name, text in extra.items()},
        }
        value = message.value
        if _size(message.topic, value, headers) > MAX_DEAD_LETTER_BYTES:
            headers |= _cut(headers["key"], value or b"")
            value = None if value is None else value[:KEPT_BYTES]
        await self._send(place, value, headers)

    async def send_lost(self, lost: LostRecords) -> None:
        """Note that records are lost; return once the broker has the dead letter (no value)."""
        detail = f"the broker deleted {lost.upto - lost.first:,} records before they were read"
        place = lost.topic, lost.partition, lost.first
        headers = _headers(*place, "intake", "lost", detail)
        await self._send(place, None, headers | {"upto": str(lost.upto).encode()})
        self.lost.append(lost)

    async def _send(
        self, place: tuple[str, int, int], value: bytes | None, headers: dict[str, bytes]
    ) -> None:
        topic, partition, offset = place
        await (await self.topic.send(key=topic.encode(), value=value, headers=headers))
        stage, reason = headers["stage"].decode(), headers["reason"].decode()
        self.counts[reason] += 1
        about = {"topic": topic, "partition": partition, "offset": offset}
        log.warning(
            "%s: dead letter %s/%s@%s: %s: %s",
            stage,
            *place,
            reason,
            headers["detail"].decode(),
            extra={"stage": stage, **about, "reason": reason},
        )


def _headers(
    topic: str, partition: int, offset: int, stage: str, reason: str, detail: str
) -> dict[str, bytes]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    texts = {
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "stage": stage,
        "reason": reason,
        "detail": detail[:MAX_DETAIL],
        "at": at,
    }
    return {name: text.encode(errors="backslashreplace") for name, text in texts.items()}


def _size(key: str, value: bytes | None, headers: dict[str, bytes]) -> int:
    return len(key) + len(value or b"") + sum(len(n) + len(v) for n, v in headers.items())


def _cut(key: bytes, value: bytes) -> dict[str, bytes]:
    """Return the headers of a truncated dead letter."""
    return {
        "key": key[: KEPT_BYTES // 16],
        "truncated": b"%d" % len(value),
        "sha256": hashlib.sha256(value).hexdigest().encode(),
    }
