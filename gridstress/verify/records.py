"""Records read with the standard library's ``json``, or with ``msgpack``, and checked by field.

Written from the tables of ``docs/messages.md``, beside the codec that the stream uses; of
``topology/messages.py`` only the types of the records are taken.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import Any, TypeVar

import msgpack
import numpy as np

from topology.errors import MessageError
from topology.messages import Floats, MeasurementFrame, RiskAlert, RiskWindow, SourceShare

SCHEMA = 1
LONGEST_NAME = 128
MOST_ROWS = 1_000
MOST_MW = 1e6
MOST_LEVELS = 500
FRAMES = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
RESULTS = datetime(1700, 1, 1, tzinfo=UTC), datetime(2400, 1, 1, tzinfo=UTC)
"""First and last event time of frames, and of what comes of them."""


class Pairs(list[tuple[str, Any]]):
    """A record's fields in their order: of one that is there twice, each must be of its type."""


class PackedPairs(Pairs):
    """The same of MessagePack, which has no unknown fields."""


Record = TypeVar("Record", MeasurementFrame, RiskWindow, RiskAlert)
Check = Callable[[Any], Any]
"""Takes a value as parsed and returns what it stands for; ValueError if it cannot be that."""


def parse(raw: bytes | None, *, packed: bool = False) -> Pairs:
    """Parse a record as a JSON object, or, if it may be ``packed``, as a map of MessagePack.

    Raises
    ------
    MessageError
        With reason ``invalid``, if it is none.
    """
    if raw is None:
        raise MessageError("invalid", "the record has no value")
    if packed and raw[:1] >= b"\x80":
        return _unpack(raw)
    # Fields that are not known are not looked at, so their text may be anything.
    text = raw.decode(errors="surrogateescape")
    try:
        found = _loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageError("invalid", f"not JSON: {error}") from None
    if type(found) is not Pairs:
        raise MessageError("invalid", "not a JSON object")
    if text.count("[") + text.count("{") > MOST_LEVELS and _levels(found) > MOST_LEVELS:
        raise MessageError("invalid", f"nested more than {MOST_LEVELS} levels deep")
    return found


def _unpack(raw: bytes) -> Pairs:
    try:
        found = msgpack.unpackb(raw, object_pairs_hook=PackedPairs)
    except (ValueError, OverflowError, msgpack.UnpackException) as error:
        raise MessageError("invalid", f"not MessagePack: {error}") from None
    if type(found) is not PackedPairs:
        raise MessageError("invalid", "not a map")
    return found


def _levels(found: Pairs) -> int:
    level: list[Any] = [found]
    count = 0
    while level:
        inner = [
            value
            for each in level
            for value in ((v for _, v in each) if type(each) is Pairs else each)
        ]
        level = [value for value in inner if type(value) in (list, Pairs)]
        count += 1
    return count


def _loads(text: str) -> Any:
    if _SURROGATE.search(text):
        _check_escapes(text)
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python converts no integer of more than 4,300 digits
        return _patient_decoder.decode(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _any_integer(digits: str) -> int | float:
    return int(digits) if len(digits) < LONGEST_NAME else float(digits)


_decoder = json.JSONDecoder(object_pairs_hook=Pairs, parse_constant=_refuse)
_patient_decoder = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_constant=_refuse, parse_int=_any_integer
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\(?:u([dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def _check_escapes(text: str) -> None:
    if any(escape[1] for escape in _ESCAPE.finditer(text)):
        raise ValueError("half of a surrogate pair")


def run_of(pairs: Pairs) -> str | None:
    """Return the run that a record names, or None if it names none that could be one."""
    run = next((value for name, value in reversed(pairs) if name == "run"), None)
    try:
        return _name(run)
    except ValueError:
        return None


def measurement_of(pairs: Pairs) -> MeasurementFrame:
    """Make a frame of measurements; MessageError, with its reason, if it is none."""
    return _record(pairs, MeasurementFrame, _MEASUREMENT, _consistent_frame)


def window_of(pairs: Pairs) -> RiskWindow:
    """Make a window; MessageError, with its reason, if it is none."""
    return _record(pairs, RiskWindow, _WINDOW, _consistent_window)


def alert_of(pairs: Pairs) -> RiskAlert:
    """Make an alert; MessageError, with its reason, if it is none."""
    return _record(pairs, RiskAlert, _ALERT, _consistent_alert)


def _record(
    pairs: Pairs,
    kind: type[Record],
    checks: Mapping[str, Check],
    consistent: Callable[[Record], None],
) -> Record:
    try:
        fields = _fields(pairs, checks)
        fields.pop("schema", None)
        record = kind(**fields)
        consistent(record)
    except (ValueError, TypeError) as error:
        schemas = [value for name, value in pairs if name == "schema"]
        newer = schemas and all(type(s) is int for s in schemas) and schemas[-1] > SCHEMA
        reason, what = ("newer", "of a newer schema") if newer else ("invalid", str(error))
        raise MessageError(reason, f"not a {kind.__name__}: {what}") from None
    return record


def _fields(pairs: Pairs, checks: Mapping[str, Check]) -> dict[str, Any]:
    fields = {}
    for name, value in pairs:
        check = checks.get(name)
        if check is None:
            if type(pairs) is PackedPairs:
                raise ValueError(f"{name!r} is no field")
            continue
        try:
            fields[name] = check(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return fields


def _name(value: Any) -> str:
    if type(value) is not str or not 1 <= len(value) <= LONGEST_NAME:
        raise ValueError(f"not a text of 1 to {LONGEST_NAME} characters")
    if not value.isascii():
        value.encode()  # a UnicodeEncodeError is a ValueError: it was not UTF-8
    return value


def _one_of(value: Any, choice: Sequence[str]) -> str:
    if type(value) is not str or value not in choice:
        raise ValueError(f"not one of {', '.join(choice)}")
    return value


def _integer(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"not a whole number from {least} to {most}")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("neither true nor false")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("not an array")
    return value


def _number(value: Any, least: float, most: float) -> float:
    return _numbers([value], least, most)[0]


def _number_or_null(value: Any, least: float, most: float) -> float | None:
    return None if value is None else _number(value, least, most)


_NUMBERS = {int, float}


def _numbers(value: Any, least: float, most: float) -> list[float]:
    numbers = _list(value)
    kinds = set(map(type, numbers))
    if not kinds <= _NUMBERS:
        raise ValueError("not all are numbers")
    # `min` and `max` may pass over a NaN, as MessagePack has; a sum is one then.
    fits = not numbers or (least <= min(numbers) and max(numbers) <= most)
    if not fits or math.isnan(sum(numbers)):
        raise ValueError(f"not all from {least:g} to {most:g}")
    return numbers if int not in kinds else [float(number) for number in numbers]


def _column(value: Any) -> Floats:
    """Numbers as an array; in MessagePack they are the bytes of little-endian doubles."""
    if type(value) is not bytes:
        if not set(map(type, _list(value))) <= _NUMBERS:
            raise ValueError("not all are numbers")
        return np.array([float(number) for number in value], dtype=np.float64)
    if len(value) % 8:
        raise ValueError(f"{len(value)} bytes are no doubles")
    return np.frombuffer(value, "<f8")


def _table(value: Any, least: float, most: float) -> list[list[float]]:
    return [_numbers(row, least, most) for row in _list(value)]


def _names(value: Any) -> list[str]:
    return [_kept_once(_name(each)) for each in _list(value)]


@lru_cache(maxsize=1 << 18)
def _kept_once(name: str) -> str:
    """The same text: every frame and window names the same nodes."""
    return name


def _moments(value: Any) -> list[datetime]:
    if not 1 <= len(_list(value)) <= MOST_ROWS:
        raise ValueError(f"not 1 to {MOST_ROWS:,} times")
    return [_moment(each) for each in value]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _timestamp(value: msgpack.Timestamp) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=(int(value.to_unix_nano()) + 500) // 1000)
    except OverflowError:
        raise ValueError("a time is not of the years 1 to 9999") from None


def _moment(value: Any) -> datetime:
    if isinstance(value, msgpack.Timestamp):
        return _timestamp(value)
    if type(value) is not str:
        raise ValueError("a time is neither a text nor a timestamp")
    return _time(value)


# The hour is bounded here: Python 3.14 reads 24:00:00 as midnight, earlier ones refuse it.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))",
    re.ASCII,
)


@lru_cache(maxsize=65_536)
def _time(text: str) -> datetime:
    """Read ``2025-01-31T18:00:00Z``: a date, seconds with any fraction, and a zone."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a time with a zone")
    day, clock, fraction, sign, hours, minutes = found.groups()
    zone = UTC
    if sign is not None:
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        if int(hours) > 23 or int(minutes) > 59:
            raise ValueError(f"{text!r} is in no zone")
        zone = timezone(-ahead if sign == "-" else ahead) if ahead else UTC
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone)
    if fraction:
        digits = fraction.ljust(7, "0")
        try:
            moment += timedelta(microseconds=int(digits[:6]) + (digits[6] >= "5"))
        except OverflowError:  # behind the last day of the year 9999
            raise ValueError(f"{text!r} is no time") from None
    return moment


def _sources(value: Any) -> list[SourceShare]:
    if any(type(each) is not Pairs for each in _list(value)):
        raise ValueError("a source is not an object")
    return [SourceShare(**_fields(each, _SOURCE)) for each in value]


def _check_times(moments: Iterable[datetime], first: datetime, last: datetime) -> None:
    for moment in moments:
        if not first <= moment <= last:
            raise ValueError(f"{moment} is not of the years {first.year} to {last.year} in UTC")


def _check_unique(nodes: Sequence[str]) -> None:
    if len(set(nodes)) < len(nodes):
        raise ValueError("nodes: one is named twice")


def _consistent_frame(frame: MeasurementFrame) -> None:
    _check_times(frame.timestamps, *FRAMES)
    _check_unique(frame.nodes)
    if len(frame.load_mw) != len(frame.timestamps):
        raise ValueError("load_mw: not a row for each time")
    if any(len(row) != len(frame.nodes) for row in frame.load_mw):
        raise ValueError("load_mw: not a value for each node")
    if frame.final and (frame.nodes or len(frame.timestamps) != 1):
        raise ValueError("final: not one row without nodes")


def _consistent_alert(alert: RiskAlert) -> None:
    _check_times((alert.timestamp, alert.window_start, alert.window_end), *RESULTS)


def _consistent_window(window: RiskWindow) -> None:
    _check_times((window.window_start, window.window_end), *RESULTS)
    _check_unique(window.nodes)
    for values, most in ((window.stress, sys.float_info.max), (window.risk, 1.0)):
        if not ((values >= 0) & (values <= most)).all():
            raise ValueError(f"stress or risk: not all from 0 to {most:g}")
    if not len(window.nodes) == len(window.stress) == len(window.risk):
        raise ValueError("not as many stresses and risks as nodes")


_HEAD: dict[str, Check] = {"schema": partial(_integer, least=SCHEMA, most=SCHEMA), "run": _name}
_MEASUREMENT: dict[str, Check] = {
    **_HEAD,
    "zone": _name,
    "seq": partial(_integer, least=0, most=2**53),
    "timestamps": _moments,
    "nodes": _names,
    "load_mw": partial(_table, least=-MOST_MW, most=MOST_MW),
    "period_s": partial(_integer, least=1, most=86_400),
    "final": _flag,
}
_WINDOW: dict[str, Check] = {
    **_HEAD,
    "model": _name,
    "shard": partial(_integer, least=0, most=65_535),
    "window_start": _moment,
    "window_end": _moment,
    "nodes": _names,
    "stress": _column,
    "risk": _column,
}
_ALERT: dict[str, Check] = {
    **_HEAD,
    **dict.fromkeys(("alert_id", "episode_id", "model", "node_id"), _name),
    **dict.fromkeys(("timestamp", "window_start", "window_end"), _moment),
    "risk_score": partial(_number, least=0.0, most=1.0),
    "peak_risk": partial(_number_or_null, least=0.0, most=1.0),
    "level": partial(_one_of, choice=("WARNING", "HIGH", "CRITICAL")),
    "state": partial(_one_of, choice=("RAISED", "ESCALATED", "CLEARED")),
    "sources": _sources,
}
_SOURCE: dict[str, Check] = {
    "node_id": _name,
    "share": partial(_number, least=0.0, most=1.0 + 1e-9),
}
