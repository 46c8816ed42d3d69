from typing import Any

import pytest
from aiokafka import ConsumerRecord

from gridstress.kafka.topics import MEASUREMENTS
from tests.chaos.acts.retention import line_of
from tests.support.frames import measured
from topology.codec import encode


def record(value: bytes | None) -> Any:
    return ConsumerRecord(
        *(MEASUREMENTS, 0, 7, 0, 0, b"k", value),
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=len(value or b""),
        headers=(),
    )


def test_a_frame_of_the_run_is_a_line_as_it_was_sent() -> None:
    value = encode(measured("north", [0.0], {"a": [1.0]}, run="mine"))
    assert line_of(record(value), "mine") == value + b"\n"


@pytest.mark.parametrize(
    "value", [None, b"", b"rubbish", encode(measured("north", [0.0], {"a": [1.0]}, run="other"))]
)
def test_what_is_no_frame_of_the_run_is_no_line(value: bytes | None) -> None:
    assert line_of(record(value), "mine") == b""
