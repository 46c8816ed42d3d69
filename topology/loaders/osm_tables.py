"""The tables of PyPSA-Eur's prebuilt network from OpenStreetMap, as buses and lines.

Columns and units are those that ``scripts/prepare_osm_network_release.py`` of PyPSA/pypsa-eur
writes. ``x`` (Ω) and ``s_nom`` (MVA) of a line are those of all its circuits together over its
whole length, by a standard line type of its voltage; ``length`` is in m, ``i_nom`` in kA a circuit.
"""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from topology.errors import DataError
from topology.loaders.csv_tables import number, rows
from topology.loaders.hvdc import DcLink, hvdc_lines
from topology.loaders.pypsa import TRANSFORMER_KM
from topology.loaders.raw import RawLine

TRANSFORMER_X = 0.1
"""Reactance of a transformer, p.u. of its rating: the data have none, PyPSA-Eur takes this."""

_QUOTE = "'"
_HINT = "it needs buses.csv and lines.csv; links, converters and transformers may be left out"

Kind = Literal["line", "transformer", "hvdc"]


class Bus(NamedTuple):
    """An AC bus: one voltage (kV) of a substation."""

    id: str
    kv: float | None
    lat: float | None
    lon: float | None
    country: str


class OsmTables:
    """The rows of a folder; what is under construction is counted and left out.

    Attributes
    ----------
    ac
        The AC buses by id.
    dc
        Ids of the DC buses.
    left_out
        Number of buses and lines ``under construction``, of lines that end at a bus that is not
        there (``dangling``, which PyPSA-Eur drops as well), and of HVDC links that lead to no
        converter (``unconverted``).

    Raises
    ------
    DataError
        If a file or a column it must have is missing, a value is no number, or a bus is there
        twice: here, or when the lines are read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ac: dict[str, Bus] = {}
        self.dc: set[str] = set()
        self.left_out: Counter[str] = Counter()
        self._unfinished: set[str] = set()
        needed = ("bus_id", "voltage", "dc", "x", "y", "country")
        for where, row in rows(folder / "buses.csv", needed, quote=_QUOTE, hint=_HINT):
            self._add_bus(where, row)

    def lines(self) -> Iterator[tuple[Kind, RawLine]]:
        """AC lines, transformers as lines of 1 km, and HVDC links as lines without reactance."""
        for where, row in self._branches("lines.csv", "voltage", "length"):
            yield "line", _line(row, where)
        for where, row in self._branches("transformers.csv", "s_nom", optional=True):
            yield "transformer", self._transformer(row, where)
        for line in hvdc_lines(self._dc_links(), self._converters()):
            if line is None:
                self.left_out["unconverted"] += 1
            else:
                yield "hvdc", line

    def _add_bus(self, where: str, row: dict[str, str]) -> None:
        bus_id = row["bus_id"]
        if bus_id in self.ac or bus_id in self.dc or bus_id in self._unfinished:
            raise DataError(f"{where}: bus {bus_id!r} is there twice")
        if _flag(row, "under_construction", where):
            self.left_out["under construction"] += 1
            self._unfinished.add(bus_id)
        elif _flag(row, "dc", where):
            self.dc.add(bus_id)
        else:
            kv, lat, lon = (number(row, column, where) for column in ("voltage", "y", "x"))
            self.ac[bus_id] = Bus(bus_id, kv, lat, lon, row["country"])

    def _transformer(self, row: dict[str, str], where: str) -> RawLine:
        kv = [self.ac[end].kv or 0.0 for end in (row["bus0"], row["bus1"]) if end in self.ac]
        high, mva = max(kv, default=0.0), number(row, "s_nom", where)
        return RawLine(
            source=row["bus0"],
            target=row["bus1"],
            length_km=TRANSFORMER_KM,
            voltage_kv=high or None,
            reactance_ohm=TRANSFORMER_X * high**2 / mva if mva and high else None,
            limit_mw=mva or None,
        )

    def _converters(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for _, row in self._branches("converters.csv", optional=True):
            for dc, ac in ((row["bus0"], row["bus1"]), (row["bus1"], row["bus0"])):
                if dc in self.dc and ac in self.ac:
                    found.setdefault(dc, ac)
        return found

    def _dc_links(self) -> list[DcLink]:
        return [
            DcLink(
                ends=(row["bus0"], row["bus1"]),
                km=(number(row, "length", where) or 0.0) / 1e3,
                kv=number(row, "voltage", where),
                mw=number(row, "p_nom", where),
            )
            for where, row in self._branches(
                "links.csv", "voltage", "p_nom", "length", optional=True
            )
        ]

    def _branches(
        self, name: str, *columns: str, optional: bool = False
    ) -> Iterator[tuple[str, dict[str, str]]]:
        needed = ("bus0", "bus1", *columns)
        path = self.folder / name
        for where, row in rows(path, needed, quote=_QUOTE, optional=optional, hint=_HINT):
            ends = {row["bus0"], row["bus1"]}
            unfinished = _flag(row, "under_construction", where)
            if unfinished or not self._unfinished.isdisjoint(ends):
                self.left_out["under construction"] += 1
            elif ends - self.ac.keys() - self.dc:
                self.left_out["dangling"] += 1
            else:
                yield where, row


def _line(row: dict[str, str], where: str) -> RawLine:
    kv = number(row, "voltage", where)
    return RawLine(
        source=row["bus0"],
        target=row["bus1"],
        length_km=(number(row, "length", where) or 0.0) / 1e3 or None,
        voltage_kv=kv,
        reactance_ohm=number(row, "x", where) or None,
        limit_mw=number(row, "s_nom", where) or _by_current(kv, row, where),
    )


def _by_current(kv: float | None, row: dict[str, str], where: str) -> float | None:
    ka, circuits = number(row, "i_nom", where), number(row, "circuits", where)
    return math.sqrt(3) * kv * ka * (circuits or 1) if kv and ka else None


def _flag(row: dict[str, str], column: str, where: str) -> bool:
    value = row.get(column) or "f"
    if value.lower() not in ("t", "f", "true", "false"):
        raise DataError(f"{where}: {column} has value {value!r}: neither t nor f")
    return value.lower() in ("t", "true")
