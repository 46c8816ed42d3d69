"""The verifier's reader against the stream's codec: both must take and refuse the same records."""

import json
import random
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgpack
import numpy as np
import pytest

from gridstress.verify import records
from gridstress.verify.collect import run_of
from gridstress.verify.outcome import relative
from gridstress.verify.recompute import recompute
from tests.fuzz import seeds
from tests.fuzz.mutate import mutate
from tests.gridstress.verify.samples import GRID, SETTINGS, echo, evening
from topology.codec import FORMATS, decode, encode
from topology.errors import MessageError
from topology.messages import MeasurementFrame, RiskAlert, RiskWindow

READERS: dict[Any, Callable[[records.Pairs], Any]] = {
    MeasurementFrame: records.measurement_of,
    RiskWindow: records.window_of,
    RiskAlert: records.alert_of,
}
FRAME: dict[str, Any] = {
    "schema": 1,
    "run": "r",
    "zone": "north",
    "seq": 4,
    "timestamps": ["2025-01-08T00:00:00Z", "2025-01-08T01:00:00.25+01:30"],
    "nodes": ["a", "é"],
    "load_mw": [[1.0, 2], [3.5e2, -4]],
    "period_s": 900,
}
ODD = [
    None, True, False, 0, 1, -1, 2, 1.0, 1.5, -0.0, 1e308, 10**30, 2**53, 2**53 + 1, "", "x",
    "é" * 128, "é" * 129, [], [1], ["a"], {}, {"a": 1}, "HIGH", "CLEARED", "\ud800", "a\udc00b",
    "\U0001f600", "\\", 'a"b', "\x00", [[1]], [[True, 1], [1, 1]], [["1", 1], [1, 1]],
    "2025-01-08T00:00:00.1234565Z", "2199-12-31T23:59:59.9999999Z", "2025-02-29T00:00:00Z",
    "1899-12-31T23:59:59-01:00", "1900-01-01T00:00:00+01:00", "2025-01-08T00:00:00-0000",
    "2025-01-08T00:00:00.12345649999Z", "2025-01-08T00:00:00+05:60", "2025-01-08T24:00:00Z",
    "1899-12-31T19:00:00-05:00", "1900-01-01T00:00:00Z", "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z", "2200-01-01T00:00:00.0000005Z", "2200-01-01T01:00:00+01:00",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-23:59",
    "2025-01-08", "2025-01-08T00:00Z", "2025-01-08t00:00:00z", "2025-01-08T00:00:00,5Z",
]  # fmt: skip
PACKED_ODD = [
    b"", b"\0" * 7, b"\0" * 24, b"\xff" * 24, struct.pack("<3d", 1e-300, 0.5, -0.0),
    struct.pack("<3d", 0.5, float("inf"), 0.5), struct.pack("<3d", 0.5, float("nan"), 0.5),
    struct.pack("<d", 0.5), [0.5, 1, 0.25], [0.5, float("nan"), 0.25], [0.5, float("inf"), 0.25],
    {1: 2}, {b"x": 1}, [[[]]] * 3, msgpack.Timestamp(0, 1_999),
    msgpack.Timestamp(-(2**62)), msgpack.Timestamp(2**40),
    datetime(2025, 1, 8, 1, 0, 0, 1, tzinfo=UTC), datetime(1699, 12, 31, tzinfo=UTC),
]  # fmt: skip
"""Values that only MessagePack has."""

pack = FORMATS["msgpack"].encode
PIECES = [
    b"\xff", b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\xed\xa0\x80", b"NaN", b"1" * 5000,
    b'"schema":2,', b'"schema":1,', b'"schema":true,', b'"run":"q",', b'"seq":"x",',
    b'"x":"\xff",', b'"\xfe":1,', b'"x":"\\udbff\\u0041",', b'"x":"\\\\ud800",', b"\xef\xbb\xbf",
]  # fmt: skip


def by_codec(raw: bytes | None, kind: Any) -> Any:
    try:
        return decode(raw, kind)
    except MessageError as error:
        return error.reason


def by_verifier(raw: bytes | None, kind: Any) -> Any:
    try:
        return READERS[kind](records.parse(raw, packed=kind is RiskWindow))
    except MessageError as error:
        return error.reason


def assert_alike(raw: bytes | None, kind: Any) -> bool:
    """Whether it was a record; to the last bit and digit what the codec reads."""
    ours, theirs = by_verifier(raw, kind), by_codec(raw, kind)
    assert repr(ours) == repr(theirs), raw
    assert ours == theirs, raw
    return not isinstance(ours, str)


def examples() -> list[tuple[bytes, Any]]:
    """Records of each kind."""
    observed = echo(recompute(evening(), GRID, SETTINGS))
    found: list[tuple[bytes, Any]] = [(json.dumps(FRAME).encode(), MeasurementFrame)]
    found += [(part, MeasurementFrame) for part in seeds.measurements()[1].split(seeds.PART)]
    for kind, results in ((RiskWindow, observed.windows), (RiskAlert, observed.alerts)):
        found += [(encode(record), kind) for record in results["linear"][4:7]]
    return found


def packed_windows() -> list[bytes]:
    """Windows as MessagePack."""
    return [pack(decode(raw, kind)) for raw, kind in examples() if kind is RiskWindow]


def test_every_kind_is_read_alike() -> None:
    assert {kind for raw, kind in examples() if assert_alike(raw, kind)} == READERS.keys()
    assert all(assert_alike(raw, RiskWindow) for raw in packed_windows())
    assert not any(assert_alike(raw, MeasurementFrame) for raw in packed_windows())


@pytest.mark.parametrize("value", [*PACKED_ODD, *ODD], ids=lambda value: ascii(value)[:30])
def test_a_packed_window_with_an_odd_value_is_judged_alike(value: Any) -> None:
    whole = msgpack.unpackb(packed_windows()[-1], timestamp=3)
    for name in (*whole, "another"):
        try:
            odd = msgpack.packb(whole | {name: value}, datetime=True)
        except (OverflowError, ValueError):  # MessagePack has no such number or text
            continue
        assert_alike(odd, RiskWindow)


def test_of_a_doubled_field_the_last_counts_alike() -> None:
    window = packed_windows()[-1]
    assert window[0] < 0x8F
    for name, value in (("stress", [-1.0]), ("nodes", ["a", "a"]), ("risk", "x"), ("shard", -1)):
        first = msgpack.packb(name) + msgpack.packb(value)
        assert_alike(bytes([window[0] + 1]) + first + window[1:], RiskWindow)
    text = json.dumps(FRAME)
    for first in ('"nodes":["a","a"],', '"timestamps":["1500-01-01T00:00:00Z"],', '"seq":-1,'):
        assert_alike(("{" + first + text[1:]).encode(), MeasurementFrame)


def test_a_packed_window_that_is_damaged_is_judged_alike() -> None:
    rng, taken = random.Random(5), 0
    for raw in packed_windows():
        for _ in range(400):
            taken += assert_alike(mutate(raw, rng, [raw]), RiskWindow)
    assert taken


@pytest.mark.parametrize("field", FRAME)
@pytest.mark.parametrize("value", ODD, ids=lambda value: ascii(value)[:30])
def test_a_field_with_an_odd_value_is_judged_alike(field: str, value: Any) -> None:
    for odd in ({field: value}, {field: [value, value]}, {field: [[value, 1.0], [1, 2]]}):
        for text in (json.dumps(FRAME | odd), json.dumps(FRAME | odd, ensure_ascii=False)):
            assert_alike(text.encode("utf-8", "surrogatepass"), MeasurementFrame)


@pytest.mark.parametrize("value", [value for value in ODD if isinstance(value, str)], ids=ascii)
def test_a_window_with_an_odd_time_is_judged_alike(value: str) -> None:
    raw = next(raw for raw, kind in examples() if kind is RiskWindow)
    for field in ("window_start", "window_end"):
        odd = json.loads(raw) | {field: value}
        assert_alike(json.dumps(odd).encode("utf-8", "surrogatepass"), RiskWindow)


@pytest.mark.parametrize("stress", ["0", "1e9", "4000000000", "1e300", "1e999", "-1e-9", "null"])
def test_a_sum_of_any_size_is_judged_alike(stress: str) -> None:
    raw = next(r for r, kind in examples() if kind is RiskWindow and json.loads(r)["nodes"])
    many = json.loads(raw)
    odd = json.dumps(many | {"stress": ["SUM"] * len(many["nodes"])}).replace('"SUM"', stress)
    assert assert_alike(odd.encode(), RiskWindow) == (stress in ("0", "1e9", "4000000000", "1e300"))


@pytest.mark.parametrize("value", ODD, ids=lambda value: ascii(value)[:30])
def test_an_alert_with_an_odd_peak_is_judged_alike(value: Any) -> None:
    raw = next(raw for raw, kind in examples() if kind is RiskAlert)
    odd = json.dumps(json.loads(raw) | {"peak_risk": value})
    taken = assert_alike(odd.encode("utf-8", "surrogatepass"), RiskAlert)
    is_number = type(value) in (int, float) and 0 <= value <= 1
    assert taken == (value is None or is_number)


@pytest.mark.parametrize("levels", [1, 499, 500, 700, 100_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"x":[0,', "]}"), ('{"x":', "}")])
def test_a_field_nested_deep_is_judged_alike(pair: tuple[str, str], levels: int) -> None:
    opening, closing = pair
    count = levels // sum(map(opening.count, "[{"))
    piece = f'"x":{opening * count}1{closing * count},'.encode()
    for raw, kind in examples()[::3]:
        assert assert_alike(b"{" + piece + raw[1:], kind) == (levels < 500)
        assert not assert_alike(raw.replace(b"[", b"[" * (levels + 1), 1), kind)


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_put_in_anywhere_is_judged_alike(piece: bytes) -> None:
    for raw, kind in examples()[::3]:
        for at in range(len(raw) + 1):
            assert_alike(raw[:at] + piece + raw[at:], kind)


def test_a_byte_that_is_missing_is_judged_alike() -> None:
    for raw, kind in examples():
        for at in range(len(raw)):
            assert_alike(raw[:at] + raw[at + 1 :], kind)


def test_mutated_records_are_judged_alike() -> None:
    rng, known = random.Random(5), examples()
    others = [raw for raw, _ in known]
    accepted = sum(
        assert_alike(mutate(raw, rng, others), kind) for _ in range(400) for raw, kind in known
    )
    assert accepted > 100


@pytest.mark.parametrize("nodes", [[], ["a"]])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_final_frame_has_one_row_without_nodes(nodes: list[str], rows: int) -> None:
    odd = FRAME | {
        "final": True,
        "nodes": nodes,
        "timestamps": ["2025-01-08T00:00:00Z", "2025-01-08T01:00:00Z"][:rows],
        "load_mw": [[1.0] * len(nodes)] * rows,
    }
    taken = assert_alike(json.dumps(odd).encode(), MeasurementFrame)
    assert taken == (not nodes and rows == 1)


def test_nothing_and_nonsense_is_no_record() -> None:
    for raw in (None, b"", b"[]", b"7", b"null", b"[" * 50_000, b'{"x":' + b"[" * 50_000):
        assert by_verifier(raw, MeasurementFrame) == "invalid"


@pytest.mark.parametrize(
    ("fields", "run"),
    [
        ({"run": "r1"}, "r1"),
        ({"run": "r1", "zone": 7}, "r1"),
        ({"run": ""}, None),
        ({"run": "x" * 129}, None),
        ({"run": 1}, None),
        ({"zone": "north"}, None),
    ],
)
def test_a_record_names_a_run_if_it_could_be_of_one(fields: dict[str, Any], run: str) -> None:
    assert records.run_of(records.parse(json.dumps(fields).encode())) == run


def test_measurements_alone_name_no_run_in_messagepack() -> None:
    """Workers refuse them: whose they were meant to be must not be known to some readers alone."""
    packed = packed_windows()[-1]
    assert run_of("risk_windows_linear", packed) == "r1"
    assert run_of("grid_measurements", packed) is None


def test_what_is_no_number_is_infinitely_far_from_any() -> None:
    nan = float("nan")
    apart = relative(np.array([nan, 1.0, nan, 2.0]), np.array([1.0, nan, nan, 2.0]))
    assert apart.tolist() == [float("inf")] * 3 + [0.0]
