"""Records of our topics as JSON, for people."""

import json
from contextlib import suppress
from typing import Any

from gridstress.kafka import topics
from topology.codec import decode, encode, is_packed
from topology.errors import MessageError
from topology.messages import PropagatedFrame, RiskWindow, StressFrame


def as_json(topic: str, value: bytes) -> bytes | None:
    """A record of a topic as JSON, from whichever format it is in; None if it is neither."""
    kind = _packed_kind(topic)
    with suppress(MessageError, ValueError, RecursionError):
        if kind is not None and is_packed(value):
            return encode(decode(value, kind))
        json.loads(value)
        return value
    return None


def _packed_kind(topic: str) -> type[Any] | None:
    if topic == topics.STRESS:
        return StressFrame
    if topic.startswith(topics.propagated("")):
        return PropagatedFrame
    return RiskWindow if topic.startswith(topics.windows("")) else None
