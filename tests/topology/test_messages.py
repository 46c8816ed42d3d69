import json
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.frames import START, run_record
from topology.codec import decode, encode, encode_all
from topology.errors import MessageError
from topology.messages import (
    MeasurementFrame,
    Message,
    PropagatedFrame,
    StressFrame,
    WindowHead,
    ZoneFrame,
)
from topology.run_messages import RunRecord, decode_run_record

MEASURED: dict[str, Any] = {
    "run": "r",
    "zone": "z",
    "seq": 7,
    "timestamps": ["2019-01-01T00:00:00Z", "2019-01-01T01:00:00Z"],
    "nodes": ["a", "b"],
    "load_mw": [[1.5, 2], [3, 4]],
}
HEAD: dict[str, Any] = {
    "model": "linear",
    "run": "r",
    "shard": 3,
    "window_end": "2019-01-01T00:00:00Z",
    "risk": [0.5],
}
PROPAGATED: dict[str, Any] = {
    "run": "r",
    "zone": "z",
    "seq": 0,
    "timestamps": ["2019-01-01T00:00:00Z"],
    "shard": 3,
    "nodes": ["b"],
    "stress": [[0.25]],
    "sources": ["a"],
    "source_stress": [[0.5]],
}


def _raw(record: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(record | changes).encode()


def _frame() -> MeasurementFrame:
    return decode(_raw(MEASURED), MeasurementFrame)


def test_a_runs_record_reads_back_as_it_was_written() -> None:
    record = run_record("r")
    assert decode_run_record(b"r", encode(record)) == ("r", record)
    assert decode_run_record(b"r", None) == ("r", None)
    made = replace(record, made_from="r0", changes=["Diele without load"])
    assert decode(encode(made), RunRecord) == made


def test_a_runs_record_has_an_end_when_it_says_so_and_only_then() -> None:
    for changes in ({"state": "ended"}, {"ended": START}):
        with pytest.raises(ValueError, match="state"):
            replace(run_record("r"), **changes)


def test_a_frame_reads_with_its_defaults() -> None:
    frame = decode(_raw(MEASURED), MeasurementFrame)
    assert frame.period_s == 3600
    assert frame.final is False
    assert frame.last_seq == 8
    np.testing.assert_array_equal(frame.times_s, [1546300800.0, 1546304400.0])


def test_times_of_another_zone_are_the_same_moment() -> None:
    frame = decode(_raw(MEASURED, timestamps=["2019-01-01T01:00:00+01:00"] * 2), MeasurementFrame)
    assert frame.times_s.tolist() == [1546300800.0] * 2


def test_times_are_written_in_utc_with_a_z() -> None:
    assert b'"2019-01-01T00:00:00Z"' in encode(decode(_raw(MEASURED), MeasurementFrame))


@pytest.mark.parametrize(
    ("moment", "good"),
    [
        ("1900-01-01T00:00:00Z", True),
        ("1899-12-31T19:00:00-05:00", True),
        ("1900-01-01T00:00:00+14:00", False),
        ("2200-01-01T00:00:00Z", True),
        ("2199-12-31T23:00:00-02:00", False),
        ("0001-01-01T00:00:00+23:59", False),
    ],
)
def test_the_range_of_times_is_meant_in_utc(moment: str, good: bool) -> None:
    raw = _raw(MEASURED, timestamps=[moment] * 2)
    if good:
        there = decode(raw, MeasurementFrame).timestamps[0]
        assert there == datetime.fromisoformat(moment)
        return
    with pytest.raises(MessageError, match=r"not between 1900 and 2200 \(UTC\)"):
        decode(raw, MeasurementFrame)


@pytest.mark.parametrize(
    "changes",
    [
        {"final": True},
        {"final": True, "timestamps": MEASURED["timestamps"][:1], "load_mw": [[1.5, 2]]},
        {"final": True, "nodes": [], "load_mw": [[], []]},
    ],
)
def test_an_end_that_brings_loads_or_several_rows_is_invalid(changes: dict[str, Any]) -> None:
    """Its loads would vanish: an end ends its zone and counts for nothing else."""
    with pytest.raises(MessageError, match="a final frame has one row and no nodes"):
        decode(json.dumps(MEASURED | changes).encode(), MeasurementFrame)
    end = {"final": True, "timestamps": MEASURED["timestamps"][:1], "nodes": [], "load_mw": [[]]}
    assert decode(json.dumps(MEASURED | end).encode(), MeasurementFrame).final


@pytest.mark.parametrize(
    "changes",
    [
        {"run": ""},
        {"run": "x" * 129},
        {"zone": None},
        {"seq": -1},
        {"seq": 2**53 + 1},
        {"seq": 1.5},
        {"timestamps": []},
        {"timestamps": ["2019-01-01T00:00:00"] * 2},
        {"timestamps": ["2019-13-01T00:00:00Z"] * 2},
        {"nodes": ["a", "a"]},
        {"nodes": ["a", ""]},
        {"nodes": ["a"]},
        {"load_mw": [[1, 2]]},
        {"load_mw": [[1, 2], [3]]},
        {"load_mw": [[1, 2], [3, "4"]]},
        {"load_mw": [[1, 2], [3, None]]},
        {"load_mw": [[1, 2], [3, 1.1e6]]},
        {"period_s": 0},
        {"period_s": 86_401},
        {"final": "yes"},
    ],
)
def test_a_frame_that_breaks_a_rule_is_invalid(changes: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as caught:
        decode(_raw(MEASURED, **changes), MeasurementFrame)
    assert caught.value.reason == "invalid"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", sorted(MEASURED))
def test_no_field_without_a_default_may_be_missing(key: str) -> None:
    with pytest.raises(MessageError, match=key):
        decode(
            json.dumps({k: v for k, v in MEASURED.items() if k != key}).encode(), MeasurementFrame
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"sources": []},
        {"sources": ["a", "a"], "source_stress": [[0, 0]]},
        {"source_stress": []},
        {"stress": [[-0.1]]},
        {"stress": [[1.1e100]]},
        {"shard": -1},
        {"shard": 65_536},
    ],
)
def test_a_propagated_frame_that_breaks_a_rule_is_invalid(changes: dict[str, Any]) -> None:
    assert decode(_raw(PROPAGATED), PropagatedFrame).shard == 3
    with pytest.raises(MessageError):
        decode(_raw(PROPAGATED, **changes), PropagatedFrame)


@pytest.mark.parametrize(
    "raw",
    [None, b"", b"{", b"null", b"[]", b"NaN", b"\xff\xfe", b'{"run": "\xff"}', b"[" * 100_000],
)
def test_what_is_no_record_is_invalid_whatever_its_bytes(raw: bytes | None) -> None:
    with pytest.raises(MessageError) as caught:
        decode(raw, MeasurementFrame)
    assert caught.value.reason == "invalid"


@pytest.mark.parametrize("value", ["NaN", "-Infinity", " Infinity"])
def test_numbers_that_json_does_not_have_are_named(value: str) -> None:
    raw = _raw(MEASURED).replace(b"1.5", value.encode())
    with pytest.raises(MessageError, match="; NaN and Infinity are no JSON"):
        decode(raw, MeasurementFrame)


def test_an_unknown_field_nested_without_end_is_invalid() -> None:
    with pytest.raises(MessageError):
        decode(b'{"x":' + b"[" * 100_000, MeasurementFrame)


DEEPEST = ["[" * 499 + "]" * 499, '[{"":[' * 166 + '["[[[\\"[["]' + "]}]" * 166]
"""Values of 499 levels: with the record's own they are 500."""


@pytest.mark.parametrize("kind", [MeasurementFrame, WindowHead])
@pytest.mark.parametrize("nested", [*DEEPEST, "[" + "[]," * 900 + "0]"])
def test_an_unknown_field_may_nest_500_levels_deep(kind: Any, nested: str) -> None:
    plain = json.dumps(MEASURED if kind is MeasurementFrame else HEAD).encode()
    known = decode(plain, kind)
    for raw in (plain[:-1] + b',"x":%s}', b'{"x":%s,' + plain[1:]):
        assert decode(raw % nested.encode(), kind) == known


@pytest.mark.parametrize("kind", [MeasurementFrame, WindowHead])
@pytest.mark.parametrize("nested", DEEPEST)
def test_no_version_of_python_decides_how_deep_is_too_deep(kind: Any, nested: str) -> None:
    plain = json.dumps(MEASURED if kind is MeasurementFrame else HEAD).encode()
    with pytest.raises(MessageError, match="nested more than 500 levels deep"):
        decode(plain[:-1] + b',"x":[1,%s]}' % nested.encode(), kind)


@pytest.mark.parametrize("kind", [*Message.__subclasses__(), *ZoneFrame.__subclasses__()])
@pytest.mark.parametrize("levels", [500, 1000, 100_000])
def test_a_schema_that_is_nested_deep_is_invalid_in_every_kind(kind: Any, levels: int) -> None:
    """The library looks at the schema before it knows that it is none."""
    with pytest.raises(MessageError, match="nested more than 500 levels deep"):
        decode(b'{"schema":' + b"[" * levels + b"]" * levels + b"}", kind)


@pytest.mark.parametrize("piece", [b'"' + b'\\"' * 400_000, b'"' * 400_001, b"{" * 400_000])
def test_rubbish_of_a_megabyte_is_judged_quickly(piece: bytes) -> None:
    begin = time.perf_counter()
    with pytest.raises(MessageError):
        decode(b"[{" * 600 + piece, MeasurementFrame)
    assert time.perf_counter() - begin < 5


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_fail_in_another_way(raw: bytes) -> None:
    with pytest.raises(MessageError):
        decode(raw, StressFrame)


@given(st.floats(0, 1e100, allow_subnormal=True))
def test_stress_reads_back_unchanged(value: float) -> None:
    frame = StressFrame(
        run="r",
        zone="z",
        seq=0,
        timestamps=[datetime(2019, 1, 1, tzinfo=UTC)],
        nodes=["a"],
        stress=np.array([[value]]),
    )
    assert decode(encode(frame), StressFrame) == frame


@given(st.lists(st.text(min_size=1, max_size=5)))
def test_many_records_are_encoded_as_each_alone(names: list[str]) -> None:
    frames = [replace(_frame(), run=name) for name in [*names, "line\nbreak\r\n"]]
    assert encode_all(frames) == [encode(frame) for frame in frames]
    assert encode_all([]) == []


def test_a_record_says_its_schema_and_one_that_does_not_is_of_the_first() -> None:
    written = encode(_frame())
    assert written.startswith(b'{"schema":1,')
    assert decode(written.replace(b'"schema":1,', b""), MeasurementFrame) == _frame()


def test_a_record_of_a_newer_schema_is_distinguished_from_rubbish() -> None:
    newer = encode(_frame()).replace(b'"schema":1', b'"schema":2')
    with pytest.raises(MessageError, match="of schema 2; this gridstress reads 1") as refused:
        decode(newer, MeasurementFrame)
    assert refused.value.reason == "newer"
    for odd in (b"0", b'"2"', b"null"):
        with pytest.raises(MessageError) as invalid:
            decode(newer.replace(b'"schema":2', b'"schema":' + odd), MeasurementFrame)
        assert invalid.value.reason == "invalid"
