"""A PyPSA CSV folder: ``buses.csv``, ``lines.csv``, and what else joins or loads the buses."""

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from topology.errors import DataError
from topology.loaders.raw import RawGrid, RawLine, RawNode

TRANSFORMER_KM = 1.0
"""A transformer joins two voltages at one site; as a line it is a short one."""


def read_pypsa(folder: Path) -> RawGrid:
    """Read buses, lines, transformers, links, loads and generators (all after lines optional).

    A zone is the bus's ``zone`` or ``area``, an operator its ``operator`` or ``control_area``; a
    name is SciGRID's ``osm_name``, with the voltage where several buses have it. A load is the sum
    of ``p_set`` over a bus's loads, or of its greatest values in ``loads-p_set.csv``; an infeed
    the sum of ``p_set`` over its generators, or of ``p_nom`` where that is not given. A line's
    reactance is ``x``, or SciGRID's ``x_ohmkm`` (of all its circuits together) times its length.

    Raises
    ------
    DataError
        If a file or a column it must have is missing, or a value is no number, with its row.
    """
    loads = _loads(folder)
    infeed = _infeed(folder)
    nodes, kv = [], {}
    for where, row in _rows(folder / "buses.csv", ("name",)):
        kv[row["name"]] = _number(row, "v_nom", where)
        nodes.append(
            RawNode(
                id=row["name"],
                lat=_number(row, "y", where),
                lon=_number(row, "x", where),
                name=row.get("osm_name"),
                zone=row.get("zone") or row.get("area"),
                country=row.get("country"),
                operator=row.get("operator") or row.get("control_area"),
                load_mw=loads.get(row["name"]),
                has_load=row["name"] in loads if loads else None,
                generation_mw=infeed.get(row["name"]),
            )
        )
    _tell_apart(nodes, kv)
    if all(not node.lat and not node.lon for node in nodes):
        for node in nodes:  # PyPSA writes 0, 0 for buses without a position
            node.lat = node.lon = None
    lines = [
        RawLine(
            source=row["bus0"],
            target=row["bus1"],
            length_km=_number(row, "length", where) or None,
            voltage_kv=_number(row, "v_nom", where) or kv.get(row["bus0"]) or None,
            reactance_ohm=_reactance(row, where),
            limit_mw=_number(row, "s_nom", where) or None,
        )
        for where, row in _rows(folder / "lines.csv", ("bus0", "bus1"))
    ]
    for file, km in (("transformers.csv", TRANSFORMER_KM), ("links.csv", None)):
        for where, row in _rows(folder / file, ("bus0", "bus1"), optional=True):
            high = max(kv.get(row["bus0"]) or 0.0, kv.get(row["bus1"]) or 0.0)
            length = km or _number(row, "length", where) or None
            line = RawLine(row["bus0"], row["bus1"], length, high or None)
            line.limit_mw = _number(row, "s_nom", where) or None
            if km and high and line.limit_mw and (per_unit := _number(row, "x", where)):
                line.reactance_ohm = per_unit * high**2 / line.limit_mw
            lines.append(line)
    return RawGrid(name=folder.resolve().name, nodes=nodes, lines=lines)


def _tell_apart(nodes: list[RawNode], kv: dict[str, float | None]) -> None:
    """Add the voltage to a name that several buses have, and the id where it is the same, too."""
    for more in (lambda node: f"{kv[node.id] or 0:g} kV", lambda node: node.id):
        counts = Counter(node.name for node in nodes)
        for node in nodes:
            if node.name and counts[node.name] > 1:
                node.name = f"{node.name}, {more(node)}"


def _reactance(row: dict[str, str], where: str) -> float | None:
    ohm = _number(row, "x", where)
    if not ohm:
        per_km, km = _number(row, "x_ohmkm", where), _number(row, "length", where)
        ohm = per_km * km if per_km and km else None
    return ohm or None


def _infeed(folder: Path) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for where, row in _rows(folder / "generators.csv", ("name", "bus"), optional=True):
        total[row["bus"]] += _number(row, "p_set", where) or _number(row, "p_nom", where) or 0.0
    return {bus: mw for bus, mw in total.items() if 0 < mw < math.inf}


def _loads(folder: Path) -> dict[str, float]:
    peaks: dict[str, float] = {}
    for where, row in _rows(folder / "loads-p_set.csv", (), optional=True):
        for load in list(row)[1:]:
            peaks[load] = max(peaks.get(load, -math.inf), _number(row, load, where) or 0.0)
    total: dict[str, float] = defaultdict(float)
    for where, row in _rows(folder / "loads.csv", ("name", "bus"), optional=True):
        total[row["bus"]] += _number(row, "p_set", where) or peaks.get(row["name"], 0.0)
    return total


def _rows(
    path: Path, needed: tuple[str, ...], *, optional: bool = False
) -> Iterator[tuple[str, dict[str, str]]]:
    if not path.exists():
        if optional:
            return
        raise DataError(
            f"{path.parent}: has no {path.name}",
            hint="a PyPSA CSV folder holds buses.csv and lines.csv",
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [c for c in needed if c not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: has no column {', '.join(missing)}")
            for row in reader:
                where = f"{path}:{reader.line_num}"
                if None in row:
                    raise DataError(f"{where}: has more values than there are columns")
                yield where, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file: {error}") from None


def _number(row: dict[str, str], column: str, where: str) -> float | None:
    text = (row.get(column) or "").strip()
    if not text or text.lower() == "nan":
        return None
    try:
        return float(text)
    except ValueError:
        raise DataError(f"{where}: {column} has value {text!r}: not a number") from None
