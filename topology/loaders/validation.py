"""Validate a topology: report all faults at once, with ids and the fix.

Errors make a grid unusable; warnings (islands, a node without lines) are legal but rarely meant:
stress never crosses from one island to another.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from topology.islands import islands
from topology.loaders.raw import MAX_MW, RawGrid, RawLine, RawNode, as_number, positive_mw

SHARE_TOLERANCE = 1e-3
"""How far shares may sum from 1: room for rounded decimals; what is left is scaled away."""

MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: in which record and field, what, and how to put it right.

    ``component`` is ``grid``, ``node``, ``line`` or ``zone``; ``id`` a node's id, a line's
    ``a-b``, a zone's name, or ``nodes[3]`` for a record that has no id.
    """

    component: Literal["grid", "node", "line", "zone"]
    id: str
    field: str
    message: str
    fix: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.component} {self.id}".strip()
        return f"{where}: {self.field} {self.message}"


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float
    low_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        return math.isfinite(value) and above and value <= self.high

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"a number {'>' if self.low_open else '>='} {self.low:g}"
        return f"a number in {'(' if self.low_open else '['}{self.low:g}, {self.high:g}]"


class _NotZero(_Range):
    def __contains__(self, value: float) -> bool:
        return math.isfinite(value) and value != 0

    def __str__(self) -> str:
        return "a number that is not 0"


_POSITIVE = _Range(0, math.inf, low_open=True)
_FACTOR = _Range(0, 1, low_open=True)
NODE_RANGES = {
    "lat": _Range(-90, 90),
    "lon": _Range(-180, 180),
    "share": _Range(0, 1),
    "rating_mw": _Range(1e-9, math.inf),
    "sensitivity": _FACTOR,
    "generation_mw": _Range(0, math.inf),
    "load_mw": _Range(-MAX_MW, MAX_MW),
}
LINE_RANGES = {
    "length_km": _POSITIVE,
    "voltage_kv": _POSITIVE,
    "coupling": _FACTOR,
    "reactance_ohm": _NotZero(-math.inf, math.inf),
    "limit_mw": _POSITIVE,
}


def validate(raw: RawGrid) -> list[Problem]:
    """All problems of a raw grid, errors first; an empty list means it can be used as it is."""
    found = [
        *_grid_problems(raw),
        *_node_problems(raw.nodes),
        *_line_problems(raw),
        *_share_problems(raw),
        *_load_warnings(raw),
        *_island_warnings(raw),
    ]
    return sorted(found, key=lambda p: p.level != "error")


def _grid_problems(raw: RawGrid) -> Iterator[Problem]:
    if not _is_name(raw.name):
        yield Problem("grid", "", "name", _not_a_name(raw.name), "give the grid a name")
    if not raw.nodes:
        yield Problem("grid", raw.name, "nodes", "is empty", "add at least one node")


def _node_problems(nodes: list[RawNode]) -> Iterator[Problem]:
    counts = Counter(node.id for node in nodes if isinstance(node.id, str))
    for node_id, count in counts.items():
        if count > 1:
            fix = "rename or remove the repeated nodes"
            yield Problem("node", node_id, "id", f"is used by {count} nodes", fix)
    for i, node in enumerate(nodes):
        label = node.id if _is_name(node.id) else f"nodes[{i}]"
        for key in ("id", "name", "zone"):
            if not _is_name(getattr(node, key)):
                problem = _not_a_name(getattr(node, key))
                yield Problem("node", label, key, problem, f"1 to {MAX_NAME} printable characters")
        # A node without load needs no rating.
        optional = ("generation_mw", "load_mw", *(["rating_mw"] if node.share == 0 else []))
        yield from _range_problems("node", label, node, NODE_RANGES, optional)


def _line_problems(raw: RawGrid) -> Iterator[Problem]:
    known = {node.id for node in raw.nodes if isinstance(node.id, str)}
    for i, line in enumerate(raw.lines):
        ends = (line.source, line.target)
        named = [_is_name(end) for end in ends]
        label = "-".join(ends) if all(named) else f"lines[{i}]"
        for key, end, is_name in zip(("source", "target"), ends, named, strict=True):
            if not is_name:
                yield Problem("line", label, key, _not_a_name(end), "give the id of a node")
            elif end not in known:
                fix = "add the node, correct the id or remove the line"
                yield Problem("line", label, key, f"names the unknown node {end!r}", fix)
        if named[0] and line.source == line.target:
            fix = "remove the line: a line joins two different nodes"
            yield Problem("line", label, "target", "is its source: a self-loop", fix)
        optional = ("reactance_ohm", "limit_mw")
        yield from _range_problems("line", label, line, LINE_RANGES, optional)


def _range_problems(
    component: Literal["node", "line"],
    label: str,
    record: RawNode | RawLine,
    ranges: dict[str, _Range],
    optional: Collection[str],
) -> Iterator[Problem]:
    for key, allowed in ranges.items():
        value = getattr(record, key)
        if value is None and key in optional:
            continue
        number = as_number(value)
        if number is None or number not in allowed:
            problem = "is missing" if value is None else f"has value {_short(value)}"
            yield Problem(component, label, key, problem, f"use {allowed}")


def _share_problems(raw: RawGrid) -> Iterator[Problem]:
    sums: dict[str, list[float]] = defaultdict(list)
    for node in raw.nodes:
        share = as_number(node.share)
        if _is_name(node.zone) and share is not None:
            sums[node.zone].append(share)
    for zone, shares in sorted(sums.items()):
        if any(shares) or raw.zone_shares.get(zone) != 0:  # a zone may have no load at all
            yield from _sum_problem(zone, "share", "the zone's nodes", math.fsum(shares))
    for zone in sorted(sums.keys() - raw.zone_shares.keys()):
        fix = "add the zone's part of the whole load, or leave zone_shares out of a one-zone grid"
        yield Problem("zone", zone, "zone_shares", "is missing", fix)
    for zone in sorted(raw.zone_shares.keys() - sums.keys()):
        fix = "remove it, or put the right zone on the nodes"
        yield Problem("zone", zone, "zone_shares", "names a zone without nodes", fix)
    values = []
    for zone, value in raw.zone_shares.items():
        number = as_number(value)
        if number is None or number not in NODE_RANGES["share"]:
            problem = f"has value {_short(value)}"
            yield Problem("zone", zone, "zone_shares", problem, f"use {NODE_RANGES['share']}")
        else:
            values.append(number)
    if values and len(values) == len(raw.zone_shares):
        yield from _sum_problem("", "zone_shares", "the zones", math.fsum(values))


def _sum_problem(zone: str, key: str, over: str, total: float) -> Iterator[Problem]:
    if not abs(total - 1) <= SHARE_TOLERANCE:
        problem = f"sums to {total:.6g} over {over}, not to 1"
        fix = "correct the shares; rounding of up to 0.001 in the sum is allowed"
        yield Problem("zone" if zone else "grid", zone, key, problem, fix)


def _load_warnings(raw: RawGrid) -> Iterator[Problem]:
    sized = {node.id for node in raw.nodes if positive_mw(node.load_mw)}
    unsized = [node.id for node in raw.nodes if node.has_load and node.id not in sized]
    if sized and unsized:
        problem = f"has no size at {len(unsized)} nodes, which have no share ({_some(unsized)})"
        fix = "give all loads a size, or choose another rule with --shares"
        yield Problem("grid", raw.name, "load", problem, fix, "warning")


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")


def _island_warnings(raw: RawGrid) -> Iterator[Problem]:
    found = islands(
        (node.id for node in raw.nodes if _is_name(node.id)),
        (
            (line.source, line.target)
            for line in raw.lines
            if _is_name(line.source) and _is_name(line.target)
        ),
    )
    total = sum(map(len, found))
    for island in sorted(found, key=len)[:-1]:
        problem = f"is an island of {len(island)} of {total} nodes ({_some(island)})"
        fix = "add the line that joins it to the rest, unless it is meant to stand alone"
        yield Problem("grid", raw.name, "lines", problem.replace("is", "leave", 1), fix, "warning")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_NAME and value.isprintable()


def _not_a_name(value: Any) -> str:
    return "is missing" if value is None or value == "" else f"has value {_short(value)}"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer with too many digits to print
        text = "an integer beyond all bounds"
    return text if len(text) <= 60 else text[:57] + "..."
