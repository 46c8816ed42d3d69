"""Records that cannot be used: set aside byte for byte, with where they came from and why."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agents.outbox import Topic

log = logging.getLogger(__name__)

MAX_DETAIL = 500

REASONS = (
    "invalid",
    "newer",
    "unknown-zone",
    "unknown-node",
    "unknown-shard",
    "late",
    "ahead",
    "other-settings",
    "too-large",
    "failed",
)
"""Why a record may be set aside; ``docs/messages.md`` says more of each."""


@dataclass
class DeadLetters:
    """The way to ``dead_letters``; counts what it sends by reason."""

    topic: Topic
    counts: Counter[str] = field(default_factory=Counter)

    async def send(self, event: Any, stage: str, reason: str, detail: str, **extra: str) -> None:
        """Set a Faust event's record aside; returns once the broker has it."""
        message = event.message
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {
            "topic": message.topic.encode(),
            "partition": str(message.partition).encode(),
            "offset": str(message.offset).encode(),
            "key": message.key or b"",
            "stage": stage.encode(),
            "reason": reason.encode(),
            "detail": detail[:MAX_DETAIL].encode(),
            "at": at.encode(),
            **{name: text.encode() for name, text in extra.items()},
        }
        sent = await self.topic.send(
            key=message.topic.encode(), value=message.value, headers=headers
        )
        await sent
        self.counts[reason] += 1
        log.warning(
            "%s: dead letter %s/%s@%s: %s: %s",
            stage,
            message.topic,
            message.partition,
            message.offset,
            reason,
            detail[:MAX_DETAIL],
            extra={
                "stage": stage,
                "topic": message.topic,
                "partition": message.partition,
                "offset": message.offset,
                "reason": reason,
            },
        )
