"""A PyPSA CSV folder: ``buses.csv``, ``lines.csv``, and what else joins or loads the buses."""

import math
from collections import Counter, defaultdict
from pathlib import Path

from topology.errors import DataError
from topology.grid import OHM_PER_KM
from topology.loaders.csv_tables import number, rows
from topology.loaders.raw import RawGrid, RawLine, RawNode

MAX_LABEL = 80
TRANSFORMER_KM = 1.0
"""A transformer joins two voltages at one site; as a line it is a short one."""

_HINT = "a PyPSA CSV folder holds buses.csv and lines.csv"


def read_pypsa(folder: Path) -> RawGrid:
    """Read buses, lines, transformers, links, loads and generators (all after lines optional).

    A zone is the bus's ``zone`` or ``area``, an operator its ``operator`` or ``control_area``; a
    name is SciGRID's ``osm_name``, with the voltage where several buses have it. A load is the sum
    of ``p_set`` over a bus's loads, or of its greatest values in ``loads-p_set.csv``; an infeed
    the sum of ``p_set`` over its generators, or of ``p_nom`` where that is not given. A line's
    reactance is ``x``, or SciGRID's ``x_ohmkm`` times its length; else 0.3 Ω/km of each of its
    ``num_parallel`` circuits.

    Raises
    ------
    DataError
        If a file or a column it must have is missing, or a value is no number, with its row.
    """
    loads = _loads(folder)
    infeed = _infeed(folder)
    nodes, kv = [], {}
    for where, row in rows(folder / "buses.csv", ("name",), hint=_HINT):
        kv[row["name"]] = number(row, "v_nom", where)
        nodes.append(
            RawNode(
                id=row["name"],
                lat=number(row, "y", where),
                lon=number(row, "x", where),
                name=_label(row.get("osm_name", "")),
                zone=row.get("zone") or row.get("area"),
                country=row.get("country"),
                operator=row.get("operator") or row.get("control_area"),
                load_mw=loads.get(row["name"]),
                has_load=row["name"] in loads if loads else None,
                generation_mw=infeed.get(row["name"]),
            )
        )
    _tell_apart(nodes, kv)
    for file, at_bus in (("loads.csv", loads), ("generators.csv", infeed)):
        if unknown := sorted(at_bus.keys() - kv.keys()):
            raise DataError(f"{folder / file}: bus {unknown[0]!r} is not in buses.csv")
    if all(not node.lat and not node.lon for node in nodes):
        for node in nodes:  # PyPSA writes 0, 0 for buses without a position
            node.lat = node.lon = None
    lines = [
        RawLine(
            source=row["bus0"],
            target=row["bus1"],
            length_km=number(row, "length", where) or None,
            voltage_kv=number(row, "v_nom", where) or kv.get(row["bus0"]) or None,
            reactance_ohm=_reactance(row, where),
            limit_mw=number(row, "s_nom", where) or None,
        )
        for where, row in rows(folder / "lines.csv", ("bus0", "bus1"), hint=_HINT)
    ]
    for file, km in (("transformers.csv", TRANSFORMER_KM), ("links.csv", None)):
        for where, row in rows(folder / file, ("bus0", "bus1"), optional=True):
            high = max(kv.get(row["bus0"]) or 0.0, kv.get(row["bus1"]) or 0.0)
            length = km or number(row, "length", where) or None
            line = RawLine(row["bus0"], row["bus1"], length, high or None)
            line.dc = file == "links.csv"
            line.limit_mw = number(row, "p_nom" if line.dc else "s_nom", where) or None
            if km and high and line.limit_mw and (per_unit := number(row, "x", where)):
                line.reactance_ohm = per_unit * high**2 / line.limit_mw
            lines.append(line)
    return RawGrid(name=folder.resolve().name, nodes=nodes, lines=lines)


def _label(text: str) -> str:
    """A name without what is no printable character, and not too long to add to."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:MAX_LABEL]


def _tell_apart(nodes: list[RawNode], kv: dict[str, float | None]) -> None:
    """Add the voltage to a name that several buses have, and the id where it is the same, too."""
    for more in (lambda node: f"{kv[node.id] or 0:g} kV", lambda node: node.id):
        counts = Counter(node.name for node in nodes)
        for node in nodes:
            if node.name and counts[node.name] > 1:
                node.name = f"{node.name}, {more(node)}"


def _reactance(row: dict[str, str], where: str) -> float | None:
    """Of all circuits of the row together, as PyPSA and SciGRID have it."""
    if ohm := number(row, "x", where):
        return ohm
    km, circuits = number(row, "length", where), number(row, "num_parallel", where)
    per_km = number(row, "x_ohmkm", where)
    if not per_km and circuits and circuits > 0:
        per_km = OHM_PER_KM / circuits
    return per_km * km if per_km and km else None


def _infeed(folder: Path) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for where, row in rows(folder / "generators.csv", ("name", "bus"), optional=True):
        total[row["bus"]] += number(row, "p_set", where) or number(row, "p_nom", where) or 0.0
    return {bus: mw for bus, mw in total.items() if 0 < mw < math.inf}


def _loads(folder: Path) -> dict[str, float]:
    peaks: dict[str, float] = {}
    for where, row in rows(folder / "loads-p_set.csv", (), optional=True):
        for load in list(row)[1:]:
            peaks[load] = max(peaks.get(load, -math.inf), number(row, load, where) or 0.0)
    total: dict[str, float] = defaultdict(float)
    for where, row in rows(folder / "loads.csv", ("name", "bus"), optional=True):
        total[row["bus"]] += number(row, "p_set", where) or peaks.get(row["name"], 0.0)
    return total
