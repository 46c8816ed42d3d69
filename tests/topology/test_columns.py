"""Columns of numbers: the same in both formats, and refused alike."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import START, measured, spread
from topology.codec import FORMATS, decode, encode, is_packed
from topology.errors import MessageError
from topology.messages import MeasurementFrame, PropagatedFrame, StressFrame, WindowHead, row_slices

pack = FORMATS["msgpack"].encode


def frame(rows: list[list[float]]) -> StressFrame:
    return StressFrame(
        run="r",
        zone="z",
        seq=0,
        timestamps=[START] * len(rows),
        nodes=[f"n{i}" for i in range(len(rows[0]))],
        stress=np.array(rows, dtype=float).reshape(len(rows), len(rows[0])),
    )


def changed(**fields: Any) -> bytes:
    """A packed frame with other fields."""
    return msgspec.msgpack.encode(msgspec.msgpack.decode(pack(frame([[1.0, 2.0]]))) | fields)


@given(
    st.integers(0, 4).flatmap(
        lambda columns: st.lists(
            st.lists(st.floats(0, 1e100, allow_subnormal=True), min_size=columns, max_size=columns),
            min_size=1,
            max_size=4,
        )
    )
)
def test_both_formats_read_back_to_the_last_bit(rows: list[list[float]]) -> None:
    written = frame(rows)
    for one in FORMATS.values():
        read = decode(one.encode(written), StressFrame)
        assert read == written
        assert read.stress.tobytes() == written.stress.tobytes()
        assert read.stress.shape == written.stress.shape


def test_columns_that_are_not_in_order_in_memory_are_written_row_by_row() -> None:
    turned = msgspec.structs.replace(frame([[1.0, 2.0], [3.0, 4.0]]))
    other = msgspec.structs.replace(turned, stress=turned.stress.T)
    assert decode(pack(other), StressFrame).stress.tolist() == [[1.0, 3.0], [2.0, 4.0]]


@pytest.mark.parametrize(
    ("stress", "why"),
    [
        (b"\0" * 15, "buffer size"),
        (b"\0" * 8, "stress has 1 values, not 1 by 2"),
        (np.array([1.0, -1e-300]).tobytes(), "not 0 to 1e+100"),
        (np.array([1.0, 1.1e100]).tobytes(), "not 0 to 1e+100"),
        (np.array([np.nan, 1.0]).tobytes(), "not 0 to 1e+100"),
        (np.array([1.0, np.inf]).tobytes(), "not 0 to 1e+100"),
        ([[1.0], [2.0]], "stress has 2 by 1 values, not 1 by 2"),
        ([[1.0, 2.0], [3.0]], "row 1 has 1 values, row 0 has 2"),
        ([["1", 2.0]], "Expected `float`, got `str`"),
        ("12345678", "Expected `array`, got `str`"),
    ],
)
def test_numbers_of_the_wrong_size_or_range_are_refused(stress: Any, why: str) -> None:
    with pytest.raises(MessageError) as refused:
        decode(changed(stress=stress), StressFrame)
    assert refused.value.reason == "invalid"
    assert why in str(refused.value)


def test_numbers_in_lists_are_taken_from_either_format() -> None:
    assert decode(changed(stress=[[1, 2.5]]), StressFrame).stress.tolist() == [[1.0, 2.5]]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (pack(frame([[1.0]]))[:-1], "invalid"),
        (pack(frame([[1.0]])) + b"\0", "invalid"),
        (b"\x81" * 100_000, "invalid"),
        (b"\xdf\xff\xff\xff\xff", "invalid"),
        (b"\xff\xfe", "invalid"),
        (changed(nodes=["a", "a"]), "invalid"),
        (changed(schema=2), "newer"),
        (changed(schema=2, stress=None), "newer"),
    ],
    ids=range(8),
)
def test_what_is_no_record_of_its_kind_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(MessageError) as refused:
        decode(raw, StressFrame)
    assert refused.value.reason == reason


def test_a_packed_record_has_no_unknown_fields() -> None:
    with pytest.raises(MessageError, match="unknown field `another`"):
        decode(changed(another=1), StressFrame)


def test_a_frame_without_nodes_keeps_its_rows() -> None:
    empty = spread("north", [0, 1], {})
    assert decode(pack(empty), PropagatedFrame).stress.shape == (2, 0)
    assert decode(encode(empty), PropagatedFrame) == empty


def test_measurements_are_json_alone() -> None:
    packed = pack(measured("north", [0], {"a": [1.0]}))
    assert is_packed(packed)
    with pytest.raises(MessageError, match="not a MeasurementFrame"):
        decode(packed, MeasurementFrame)


def test_a_head_reads_the_risks_of_a_packed_window() -> None:
    fields = {
        "schema": 1, "model": "linear", "run": "r", "shard": 3, "window_start": START,
        "window_end": START, "nodes": ["a"], "stress": np.ones(1).tobytes(),
        "risk": np.full(1, 0.25).tobytes(),
    }  # fmt: skip
    assert decode(msgspec.msgpack.encode(fields), WindowHead).risk.tolist() == [0.25]
    for wrong in (-0.1, 1.1, float("nan")):
        raw = msgspec.msgpack.encode(fields | {"risk": np.full(1, wrong).tobytes()})
        with pytest.raises(MessageError, match="not 0 to 1"):
            decode(raw, WindowHead)


def test_json_of_a_frame_is_what_it_was() -> None:
    written = json.loads(encode(frame([[1.0, 2.5], [0.0, 1e-9]])))
    assert written["stress"] == [[1.0, 2.5], [0.0, 1e-9]]


def test_a_frame_is_cut_by_bytes_its_names_included() -> None:
    assert [len(range(*s.indices(24))) for s in row_slices(24, 20_000, 0)] == [3] * 8
    cut = list(row_slices(24, 20_000, 20_000 * 63))
    assert len(cut) == 24
    assert list(row_slices(2, 100_000, 10**7)) == [slice(0, 1), slice(1, 2)]
