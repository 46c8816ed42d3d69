"""Dead letters fit into their topic, whatever the record was, and say what they leave out."""

from hashlib import sha256
from typing import Any

import pytest

from agents.dead_letters import KEPT_BYTES, DeadLetters, LostRecords
from gridstress.kafka.topics import MAX_RECORD_BYTES
from tests.support.memory import Event, Message, Topic

RECORD_OVERHEAD = 6 << 10
"""More than Kafka's format adds to the key, value and headers of a dead letter."""


async def dead_letter_of(
    key: bytes | None, value: bytes | None, detail: str = "d"
) -> dict[str, Any]:
    dead_letters = DeadLetters(Topic())
    await dead_letters.send(Event(Message(key=key, value=value)), "stage", "invalid", detail)
    (sent,) = dead_letters.topic.sent  # type: ignore[attr-defined]
    return dict(sent)


def size(dead_letter: dict[str, Any]) -> int:
    headers = sum(len(name) + len(value) for name, value in dead_letter["headers"].items())
    return len(dead_letter["key"]) + len(dead_letter["value"] or b"") + headers


@pytest.mark.parametrize(
    ("key_bytes", "value_bytes"),
    [
        (1, 2_200_000),
        (2_200_000, 1),
        (1_050_000, 1_050_000),
        (2_200_000, None),
        (None, MAX_RECORD_BYTES - 100),
    ],
)
async def test_a_dead_letter_that_would_be_too_large_is_cut_and_says_so(
    key_bytes: int | None, value_bytes: int | None
) -> None:
    key = None if key_bytes is None else b"k" * key_bytes
    value = None if value_bytes is None else b"x" * value_bytes
    dead_letter = await dead_letter_of(key, value)
    assert size(dead_letter) + RECORD_OVERHEAD < MAX_RECORD_BYTES
    headers = dead_letter["headers"]
    whole = value or b""
    assert headers["truncated"] == b"%d" % len(whole)
    assert headers["sha256"] == sha256(whole).hexdigest().encode()
    assert dead_letter["value"] == (None if value is None else value[:KEPT_BYTES])
    assert (headers["partition"], headers["offset"]) == (b"0", b"0")


async def test_a_dead_letter_that_fits_is_byte_for_byte() -> None:
    value = b"x" * (MAX_RECORD_BYTES - (10 << 10))
    dead_letter = await dead_letter_of(b"k", value)
    assert dead_letter["value"] == value
    assert "truncated" not in dead_letter["headers"]
    assert size(dead_letter) + RECORD_OVERHEAD < MAX_RECORD_BYTES


async def test_a_detail_of_any_text_can_be_written() -> None:
    dead_letter = await dead_letter_of(b"k", b"v", "\ud800" * 1000)
    assert dead_letter["headers"]["detail"].decode().startswith("\\ud800")


async def test_a_loss_is_a_dead_letter_without_a_value() -> None:
    dead_letters = DeadLetters(Topic())
    await dead_letters.send_lost(lost := LostRecords("t", 2, 10, 30))
    (dead_letter,) = dead_letters.topic.sent  # type: ignore[attr-defined]
    headers = dead_letter["headers"]
    assert dead_letter["value"] is None
    assert [headers[n] for n in ("topic", "partition", "offset", "upto", "reason")] == [
        *(b"t", b"2", b"10", b"30", b"lost")
    ]
    assert (dead_letters.lost, dead_letters.counts["lost"]) == ([lost], 1)
