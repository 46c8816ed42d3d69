"""Records as JSON, for people."""

import json

import pytest

from gridstress.kafka.readable import as_json
from tests.support.frames import spread
from topology.codec import FORMATS, encode

FRAME = spread("north", [0, 1], {"a": [1.0, 0.5]})


@pytest.mark.parametrize("format_", list(FORMATS.values()), ids=list(FORMATS))
def test_a_record_is_shown_alike_in_either_format(format_) -> None:
    assert as_json("propagated_stress_linear", format_.encode(FRAME)) == encode(FRAME)


def test_what_cannot_be_read_is_not_shown_as_json() -> None:
    packed = FORMATS["msgpack"].encode(FRAME)
    assert as_json("propagated_stress_linear", packed[:-1]) is None
    assert as_json("grid_measurements", packed) is None
    assert as_json("risk_alerts_linear", b"\xff") is None
    assert json.loads(as_json("any", b' {"x": 1}') or b"") == {"x": 1}
