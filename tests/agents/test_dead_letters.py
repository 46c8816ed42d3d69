"""Letters fit into their topic, whatever the record was, and say what they leave out."""

from hashlib import sha256
from typing import Any

import pytest

from agents.dead_letters import KEPT_BYTES, DeadLetters, LostRecords
from gridstress.kafka.topics import MAX_RECORD_BYTES
from tests.support.memory import Event, Message, Topic

RECORD_OVERHEAD = 6 << 10
"""More than Kafka's format adds to the key, value and headers of a letter."""


async def letter_of(key: bytes | None, value: bytes | None, detail: str = "d") -> dict[str, Any]:
    letters = DeadLetters(Topic())
    await letters.send(Event(Message(key=key, value=value)), "stage", "invalid", detail)
    (sent,) = letters.topic.sent  # type: ignore[attr-defined]
    return dict(sent)


def size(letter: dict[str, Any]) -> int:
    headers = sum(len(name) + len(value) for name, value in letter["headers"].items())
    return len(letter["key"]) + len(letter["value"] or b"") + headers


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
async def test_a_letter_that_would_be_too_large_is_cut_and_says_so(
    key_bytes: int | None, value_bytes: int | None
) -> None:
    key = None if key_bytes is None else b"k" * key_bytes
    value = None if value_bytes is None else b"x" * value_bytes
    letter = await letter_of(key, value)
    assert size(letter) + RECORD_OVERHEAD < MAX_RECORD_BYTES
    headers = letter["headers"]
    whole = value or b""
    assert headers["truncated"] == b"%d" % len(whole)
    assert headers["sha256"] == sha256(whole).hexdigest().encode()
    assert letter["value"] == (None if value is None else value[:KEPT_BYTES])
    assert (headers["partition"], headers["offset"]) == (b"0", b"0")


async def test_a_letter_that_fits_is_byte_for_byte() -> None:
    value = b"x" * (MAX_RECORD_BYTES - (10 << 10))
    letter = await letter_of(b"k", value)
    assert letter["value"] == value
    assert "truncated" not in letter["headers"]
    assert size(letter) + RECORD_OVERHEAD < MAX_RECORD_BYTES


async def test_a_detail_of_any_text_can_be_written() -> None:
    letter = await letter_of(b"k", b"v", "\ud800" * 1000)
    assert letter["headers"]["detail"].decode().startswith("\\ud800")


async def test_a_loss_is_a_letter_without_a_value() -> None:
    letters = DeadLetters(Topic())
    await letters.send_lost(lost := LostRecords("t", 2, 10, 30))
    (letter,) = letters.topic.sent  # type: ignore[attr-defined]
    headers = letter["headers"]
    assert letter["value"] is None
    assert [headers[n] for n in ("topic", "partition", "offset", "upto", "reason")] == [
        *(b"t", b"2", b"10", b"30", b"lost")
    ]
    assert (letters.lost, letters.counts["lost"]) == ([lost], 1)
