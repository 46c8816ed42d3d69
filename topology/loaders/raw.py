"""A grid as it was read: any field may be missing or wrong, so that all of it can be reported."""

from typing import Any

from msgspec import Struct, field

MAX_MW = 1e9
"""Load of a node, at most: beyond it, a unit is wrong."""


class RawNode(Struct, omit_defaults=True):
    """A node before validation; ``None`` is "not given".

    ``load_mw`` is the bus's own load where a format has one, and ``has_load`` whether one is there
    at all, if only of unknown size; shares and ratings derive from them, zones from ``country``
    and ``operator``. ``generation_mw`` may be left out for good, ``rating_mw`` where the share
    is 0. ``assumed`` names what was filled in without a source.
    """

    id: Any = None
    name: Any = None
    lat: Any = None
    lon: Any = None
    zone: Any = None
    share: Any = None
    rating_mw: Any = None
    sensitivity: Any = None
    load_mw: Any = None
    generation_mw: Any = None
    has_load: Any = None
    country: Any = None
    operator: Any = None
    assumed: list[str] = field(default_factory=list)


class RawLine(Struct, omit_defaults=True):
    """A line before validation; ``None`` is "not given": reactance and limit may remain so."""

    source: Any = None
    target: Any = None
    length_km: Any = None
    voltage_kv: Any = None
    coupling: Any = None
    reactance_ohm: Any = None
    limit_mw: Any = None
    dc: bool = False


class RawGrid(Struct, omit_defaults=True):
    """A topology file's records, in the file's order. Keys that are not listed are ignored."""

    name: str = ""
    note: str = ""
    credit: str = ""
    zone_shares: dict[str, Any] = field(default_factory=dict)
    assumptions: dict[str, str] = field(default_factory=dict)
    nodes: list[RawNode] = field(default_factory=list)
    lines: list[RawLine] = field(default_factory=list)


def forget(raw: RawGrid, *fields: str) -> None:
    """Drop the notes that these fields were assumed, in place."""
    for field_name in fields:
        raw.assumptions.pop(field_name, None)
    for node in raw.nodes:
        node.assumed = [name for name in node.assumed if name not in fields]


def positive_mw(value: Any) -> float:
    """A load or limit as a float; 0 for what is no number above 0 and up to ``MAX_MW``."""
    number = as_number(value)
    return number if number is not None and 0 < number <= MAX_MW else 0.0


def as_number(value: Any) -> float | None:
    """The value as a float; ``None`` when it is not a number (a bool is not)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
