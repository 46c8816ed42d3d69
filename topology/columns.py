"""Numbers of a record in columns: arrays here, lists in JSON, bytes in MessagePack.

The bytes are IEEE doubles, little-endian, row by row. `checked` gives them their shape, which the
record's other fields say.
"""

from math import isfinite
from typing import Annotated, Any

import msgspec
import numpy as np

_Column = np.ndarray[tuple[int], np.dtype[np.float64]]
_Rows = np.ndarray[tuple[int, int], np.dtype[np.float64]]
_LISTS: dict[Any, Any] = {_Column: list[float], _Rows: list[list[float]]}
_SCHEMA = {"type": "array", "items": {"type": "number", "minimum": 0}}

Column = Annotated[_Column, msgspec.Meta(extra_json_schema=_SCHEMA)]
"""One number for each node, shape (nodes,)."""

Rows = Annotated[_Rows, msgspec.Meta(extra_json_schema={"type": "array", "items": _SCHEMA})]
"""One row for each timestamp, shape (rows, nodes)."""


def to_lists(values: Any) -> Any:
    """Write numbers as JSON has them; for msgspec."""
    if isinstance(values, np.ndarray):
        return values.tolist()
    raise NotImplementedError(f"no record has a {type(values).__name__}")


def to_bytes(values: Any) -> bytes:
    """Write numbers as MessagePack has them; for msgspec."""
    if isinstance(values, np.ndarray):
        return values.astype("<f8", copy=False).tobytes()
    raise NotImplementedError(f"no record has a {type(values).__name__}")


def of_either(kind: Any, found: Any) -> Any:
    """Read numbers from either form, bytes yet without a shape; for msgspec."""
    if kind not in _LISTS:
        raise NotImplementedError(f"no record has a {kind}")
    if isinstance(found, bytes):
        return np.frombuffer(found, "<f8")
    lists = msgspec.convert(found, _LISTS[kind])
    if kind is _Column:
        return np.array(lists, dtype=np.float64)
    width = len(lists[0]) if lists else 0
    for i, row in enumerate(lists):
        if len(row) != width:
            raise ValueError(f"row {i} has {len(row)} values, row 0 has {width}")
    return np.array(lists, dtype=np.float64).reshape(len(lists), width)


def alike(one: msgspec.Struct, other: object) -> bool:
    """Whether two records are of one kind and say the same; arrays have no equality of theirs."""
    return type(one) is type(other) and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        if isinstance(getattr(one, name), np.ndarray)
        else getattr(one, name) == getattr(other, name)
        for name in one.__struct_fields__
    )


def checked(name: str, values: Any, shape: tuple[int, ...], most: float) -> Any:
    """Give a record's numbers the shape that they must have.

    Parameters
    ----------
    name
        Of the field, for the error.
    shape
        (nodes,) or (rows, nodes).
    most
        The largest that a number may be; the smallest is 0.

    Raises
    ------
    ValueError
        If there are more or fewer numbers, or one is out of range or none.
    """
    if values.shape != shape:
        if values.ndim != 1 or values.size != np.prod(shape):
            given = " by ".join(map(str, values.shape))
            raise ValueError(f"{name} has {given} values, not {' by '.join(map(str, shape))}")
        values = values.reshape(shape)
    if values.size:
        least, largest = float(values.min()), float(values.max())
        if not (isfinite(largest) and least >= 0 and largest <= most):
            raise ValueError(f"{name} has values from {least:g} to {largest:g}, not 0 to {most:g}")
    return values
