"""Changes that keep most of an input's form: what random bytes would never get past the header."""

import random
import re
from collections.abc import Callable

from tests.fuzz.seeds import FIELD, NULL, PART

TOKEN = re.compile(rb"-?\d[\d.:TZ/-]*|[A-Za-z_]\w*|[^\w\s]")
MAX_BYTES = 8192
NASTY = [
    b"", b"0", b"-1", b"1e999", b"NaN", b"null", b"9" * 30, b"1" * 400, b"true", b"[]", b"{}",
    b'""', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r\n", b",", b";", b'"', b"'", b"\\",
    b"1900-01-01T00:00:00Z", b"2199-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59",
    b"31.12.9999 23:45", b"01/01/0001 00:00", b"29.02.2023 00:00", b"2019-01-01T00:00:00.5Z",
    b"north", b"south", b"a", b"c", b"x" * 200, b"[" * 500, b"<a>", b"&amp;", b"%", b"%00",
    b"../..", "\N{DOUBLE-STRUCK CAPITAL R}\u200b١".encode(), b"1_000", b"0x10", b"-0.0", b"5e-324",
    b"1e308", b"4503599627370497", b"9007199254740993", b"final", b"shard", b"inf", b"nan",
    NULL, FIELD, b"-9223372036854775808", b"9223372036854775807", b"measured-sent-ms", b"epoch",
]  # fmt: skip


def mutate(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """One to eight changes to an input; ``others`` are inputs to borrow from."""
    for _ in range(rng.randint(1, 8)):
        data = rng.choice(CHANGES)(data, rng, others)
    return data[:MAX_BYTES]


def _token(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    found = list(TOKEN.finditer(data))
    if not found:
        return rng.choice(NASTY)
    at = rng.choice(found)
    other = TOKEN.findall(rng.choice(others)) if others and rng.random() < 0.5 else []
    new = rng.choice(other) if other else rng.choice(NASTY)
    return data[: at.start()] + new + data[at.end() :]


def _byte(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    low, high = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:low] + data[high:]


def _repeat(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    low, high = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:high] + data[low:high] * rng.randint(1, 4) + data[high:]


def _swap_lines(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    mark = rng.choice((b"\n", b",", PART, FIELD))
    parts = data.split(mark)
    i, j = rng.randrange(len(parts)), rng.randrange(len(parts))
    parts[i], parts[j] = parts[j], parts[i]
    return mark.join(parts)


def _join(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    return data + rng.choice((PART, FIELD, b"\n", b"")) + (rng.choice(others) if others else b"")


def _number(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return data
    at = rng.choice(found)
    value = int(at[0][:18]) + rng.choice((-1, 1, 24, -60, 10**6, 2**31))
    new = str(value).encode().rjust(len(at[0]), b"0")
    return data[: at.start()] + new + data[at.end() :]


Change = Callable[[bytes, random.Random, list[bytes]], bytes]
CHANGES: tuple[Change, ...] = (
    _token, _token, _token, _number, _number, _byte, _cut, _repeat, _swap_lines, _join
)  # fmt: skip
