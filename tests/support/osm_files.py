"""Folders in the form of PyPSA-Eur's network from OpenStreetMap: made up, of any size, by a seed.

Countries are squares side by side over Europe, in which stations are scattered. A tree of 380-kV
lines joins all stations; a chain of 220-kV lines those of a country that have this voltage too.
"""

import csv
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay

COUNTRIES = (
    *("PT", "ES", "FR", "BE", "NL", "LU", "GB", "IE", "DE", "CH", "IT", "AT", "DK", "NO", "SE"),
    *("FI", "EE", "LV", "LT", "PL", "CZ", "SK", "HU", "SI", "HR", "BA", "RS", "ME", "XK", "AL"),
    *("MK", "BG", "RO", "GR", "UA"),
)
ALONG = 6
"""Countries from west to east."""

LINE_TYPES = {
    380: ("Al/St 240/40 4-bundle 380.0", 0.03, 0.246, 2.58),
    220: ("Al/St 240/40 2-bundle 220.0", 0.06, 0.301, 1.29),
}
"""By voltage: name, r and x of a circuit in ohm a km, its current in kA."""

BUSES = "bus_id,voltage,dc,symbol,under_construction,tags,x,y,country,geometry"
LINES = (
    "line_id,bus0,bus1,voltage,i_nom,circuits,s_nom,r,x,b,length,underground,under_construction,"
    "type,tags,geometry"
)
LINKS = "link_id,bus0,bus1,voltage,p_nom,length,underground,under_construction,tags,geometry"
TRANSFORMERS = "transformer_id,bus0,bus1,voltage_bus0,voltage_bus1,s_nom,geometry"
CONVERTERS = "converter_id,bus0,bus1,voltage,p_nom,geometry"


@dataclass(frozen=True)
class Size:
    """How much of everything.

    ``buses`` and ``lines`` are those in service of the large island. An island has two stations
    and a line. ``bends`` are the points of a line's geometry, which make most of a file's size.
    """

    stations: int = 60
    buses: int = 80
    lines: int = 110
    links: int = 2
    countries: int = 4
    islands: int = 1
    under_construction: int = 3
    bends: int = 4


EUROPE = Size(5400, 6863 - 2 * 8, 9162 - 8, 39, len(COUNTRIES), 8, 40, 48)
"""As large as the real one: with the islands 6,863 AC buses, 9,162 lines, 39 links, some 20 MB."""


@dataclass(frozen=True)
class Station:
    """A substation, with its voltages in kV from the highest."""

    id: str
    country: str
    lon: float
    lat: float
    kv: tuple[int, ...]

    @property
    def point(self) -> str:
        """Its place as in the files."""
        return f"{self.lon} {self.lat}"


Pair = tuple[Station, Station]


def write_osm_files(folder: Path, size: Size | None = None, seed: int = 0) -> None:
    """Write the five files; the same size and seed give the same bytes."""
    size, rng = size or Size(), np.random.default_rng(seed)
    stations = _stations(size, rng)
    pairs = [_island(i) for i in range(size.islands)]
    every = [*stations, *(station for pair in pairs for station in pair)]
    built = [*_joined(stations, size, rng), *((one, other, 380) for one, other in pairs)]
    ends = rng.integers(size.stations, size=(2, size.under_construction))
    planned = [(stations[a], stations[(a + b) % size.stations], 380) for a, b in ends.T]
    dc_buses, links, converters = _dc(stations, size, rng)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "buses.csv", BUSES, [*map(list, _bus_rows(every)), *dc_buses])
    lines = [(*line, "f") for line in built] + [(*line, "t") for line in planned]
    _write(folder / "lines.csv", LINES, _line_rows(lines, size.bends, rng))
    _write(folder / "links.csv", LINKS, links)
    _write(folder / "converters.csv", CONVERTERS, converters)
    _write(folder / "transformers.csv", TRANSFORMERS, _transformer_rows(every))


def _stations(size: Size, rng: np.random.Generator) -> list[Station]:
    country = np.arange(size.stations) % size.countries
    lon = -9 + 5 * (country % ALONG + rng.random(size.stations))
    lat = 37 + 5 * (country // ALONG + rng.random(size.stations))
    two = set(rng.permutation(size.stations)[: size.buses - size.stations].tolist())
    return [
        Station(
            id=f"{'relation' if i % 9 == 4 else 'way'}/{100_000_000 + 977 * i}",
            country=COUNTRIES[country[i]],
            lon=round(float(lon[i]), 8),
            lat=round(float(lat[i]), 8),
            kv=(380, 220) if i in two else (380,),
        )
        for i in range(size.stations)
    ]


def _island(i: int) -> Pair:
    """Two stations in the sea west of all others."""
    one, other = (
        Station(f"way/{900_000_000 + 2 * i + k}", COUNTRIES[0], -12.0 + k / 5, 37.0 + i, (380,))
        for k in (0, 1)
    )
    return one, other


def _joined(
    stations: list[Station], size: Size, rng: np.random.Generator
) -> list[tuple[Station, Station, int]]:
    chains = [
        (one, other, 220)
        for code in COUNTRIES[: size.countries]
        for one, other in pairwise(_chain([s for s in stations if s.country == code]))
    ]
    tree, others = _neighbours(stations)
    missing = size.lines - len(chains) - len(tree)
    picked = [(*others[i % len(others)], 380) for i in range(missing)]
    return [*((one, other, 380) for one, other in tree), *picked, *chains]


def _chain(stations: list[Station]) -> list[Station]:
    """Those with 220 kV, each followed by the nearest of the rest."""
    left = [station for station in stations if 220 in station.kv]
    chain = [left.pop()] if left else []
    while left:
        chain.append(left.pop(min(range(len(left)), key=lambda i: _km(chain[-1], left[i]))))
    return chain


def _neighbours(stations: list[Station]) -> tuple[list[Pair], list[Pair]]:
    """Pairs of neighbours: those of the shortest tree, and the others, near ones first."""
    triangles = Delaunay(np.array([(one.lon, one.lat) for one in stations])).simplices.tolist()
    edges = {(min(a, b), max(a, b)) for t in triangles for a, b in pairwise([*t, t[0]])}
    km = {(a, b): _km(stations[a], stations[b]) for a, b in sorted(edges)}
    source, target = np.array(list(km)).T
    n = len(stations)
    graph = coo_array((list(km.values()), (source, target)), shape=(n, n))
    tree = {(int(a), int(b)) for a, b in zip(*minimum_spanning_tree(graph).nonzero(), strict=True)}
    rest = sorted(km.keys() - tree, key=lambda pair: (km[pair], pair))
    near, far = ([(stations[a], stations[b]) for a, b in some] for some in (sorted(tree), rest))
    return near, far


def _km(one: Station, other: Station) -> float:
    north = (one.lat - other.lat) * 111.2
    east = (one.lon - other.lon) * 111.2 * math.cos(math.radians(one.lat))
    return math.hypot(north, east)


def _bus_rows(stations: Iterable[Station]) -> Iterable[list[Any]]:
    for station in stations:
        for kv in station.kv:
            yield [
                f"{station.id}-{kv}", kv, "f", "Substation", "f", station.id, station.lon,
                station.lat, station.country, f"POINT ({station.point})",
            ]  # fmt: skip


def _line_rows(
    lines: Sequence[tuple[Station, Station, int, str]], bends: int, rng: np.random.Generator
) -> Iterable[list[Any]]:
    for i, (one, other, kv, planned) in enumerate(lines):
        name, r, x, ka = LINE_TYPES[kv]
        circuits = 1 + i % 2
        km = 1.15 * _km(one, other) + 0.3
        yield [
            f"way/{i}-{kv}", f"{one.id}-{kv}", f"{other.id}-{kv}", kv, ka, circuits,
            round(math.sqrt(3) * kv * ka * circuits, 3), round(r * km / circuits, 6),
            round(x * km / circuits, 6), 1e-5, round(km * 1000, 2), "f", planned, name, f"way/{i}",
            _course(one, other, bends, rng),
        ]  # fmt: skip


def _course(one: Station, other: Station, bends: int, rng: np.random.Generator) -> str:
    """A geometry that holds commas and spans lines."""
    part = np.linspace(0, 1, bends)[:, np.newaxis]
    ends = np.array([(one.lon, one.lat), (other.lon, other.lat)])
    points = (1 - part) * ends[0] + part * ends[1] + rng.normal(0, 0.01, (bends, 2))
    return "LINESTRING (" + ",\n ".join(f"{x} {y}" for x, y in points.tolist()) + ")"


def _transformer_rows(stations: Iterable[Station]) -> Iterable[list[Any]]:
    for station in stations:
        for kv in station.kv[1:]:
            course = f"LINESTRING ({station.point}, {station.point})"
            ids = [f"{station.id}-{station.kv[0]}", f"{station.id}-{kv}"]
            yield [f"{ids[0]}-{kv}", *ids, station.kv[0], kv, 1700, course]


def _dc(
    stations: list[Station], size: Size, rng: np.random.Generator
) -> tuple[list[list[Any]], list[list[Any]], list[list[Any]]]:
    """DC buses, a link between each two, and a converter at each."""
    buses, links, converters = [], [], []
    for i in range(size.links):
        ends = [stations[j] for j in rng.choice(size.stations, 2, replace=False)]
        course = f"LINESTRING ({ends[0].point}, {ends[1].point})"
        ids = [f"relation/{700_000 + 2 * i + k}" for k in (0, 1)]
        length = round(_km(*ends) * 1000, 2)
        links.append([f"relation/{i}-500-DC", *ids, 500, 1000, length, "t", "f", "", course])
        for bus, station in zip(ids, ends, strict=True):
            place = [station.lon, station.lat, station.country, f"POINT ({station.point})"]
            buses.append([bus, 500, "t", "Substation", "f", bus, *place])
            converters.append([f"conv-{bus}", bus, f"{station.id}-380", 500, 1000, course])
    return buses, links, converters


def _write(path: Path, header: str, rows: Iterable[list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quotechar="'", lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


if __name__ == "__main__":  # python -m tests.support.osm_files FOLDER: as large as Europe
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_osm_files(folder, EUROPE)
