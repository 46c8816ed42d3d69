"""Read record headers of any writer: keys without a value, keys twice, any bytes."""

from collections.abc import Iterable


def known_headers(headers: Iterable[tuple[str, bytes | None]] | None) -> dict[str, bytes]:
    """Return the headers that have a value; of a key that occurs twice, the last one's."""
    return {name: value for name, value in headers or () if value is not None}


def as_text(value: bytes) -> str:
    r"""Decode a header's value; what is not UTF-8 becomes ``\xff``."""
    return value.decode(errors="backslashreplace")


def as_number(value: bytes, most: int = 2**63 - 1) -> int | None:
    """Read a number of decimal digits from 0 to `most`; None for anything else."""
    if not value.isdigit() or len(value) > len(str(most)):
        return None
    number = int(value)
    return number if number <= most else None
