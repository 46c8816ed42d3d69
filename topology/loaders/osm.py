"""PyPSA-Eur's prebuilt network: Europe's transmission grid from OpenStreetMap, a folder of CSV.

Xiong et al., "Modelling the high-voltage grid using open data for Europe and beyond", Scientific
Data 12:277 (2025).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from topology.errors import UsageError
from topology.islands import islands
from topology.loaders.osm_tables import Bus, Kind, OsmTables
from topology.loaders.raw import RawGrid, RawLine, RawNode

CREDIT = (
    "© OpenStreetMap contributors, ODbL 1.0; Prebuilt Electricity Network for PyPSA-Eur{version} "
    "(Xiong et al. 2025)"
)
NOTE = """Transmission grid of {countries} from OpenStreetMap. Not an operational model.
{parts}.
Reactances and limits are those of standard line types. HVDC links have no reactance."""
NAMED_COUNTRIES = 5
KINDS: Mapping[Kind, str] = {
    "line": "AC lines",
    "transformer": "transformers",
    "hvdc": "HVDC links",
}

Branch = tuple[Kind, RawLine]


@dataclass(frozen=True)
class OsmNetwork:
    """A grid of some countries, and what became of the data's rows.

    Attributes
    ----------
    raw
        The grid; without shares and ratings, which the data do not have.
    countries
        Those of the grid's nodes.
    buses
        AC buses of the countries that were chosen.
    stations
        Nodes of these buses, those of the islands that were left out among them.
    kinds
        How many lines of the grid are ``line`` (AC), ``transformer`` and ``hvdc``.
    left_out
        How many rows are not in the grid: those that ``OsmTables`` leaves out, of all countries;
        lines that lead ``beyond`` the countries; lines ``inside`` a merged substation.
    islands
        Nodes that were left out because no line joins them to the rest, island by island.
    """

    raw: RawGrid
    countries: tuple[str, ...]
    buses: int
    stations: int
    kinds: Counter[Kind]
    left_out: Counter[str]
    islands: list[list[str]]


def is_osm(folder: Path) -> bool:
    """Whether a folder holds this data: ``buses.csv`` has ``bus_id`` and ``voltage``."""
    try:
        with (folder / "buses.csv").open(encoding="utf-8-sig", errors="replace") as file:
            columns = file.readline(4096).strip().split(",")
    except OSError:
        return False
    return {"bus_id", "voltage"} <= set(columns)


def read_osm(
    folder: Path,
    countries: Sequence[str] = (),
    *,
    keep_buses: bool = False,
    keep_islands: bool = False,
) -> OsmNetwork:
    """Read the AC buses of some countries, and the lines and HVDC links between them.

    A zone is a country.

    Parameters
    ----------
    folder
        Holds ``buses.csv`` and ``lines.csv``, and, as far as there are any, ``transformers.csv``,
        ``links.csv`` and ``converters.csv``.
    countries
        Codes as in the data (``FR``); all if none is given.
    keep_buses
        Keep a node for each voltage of a substation, and the transformers as lines.
    keep_islands
        Keep all islands, not only the largest.

    Raises
    ------
    DataError
        As ``OsmTables``.
    UsageError
        If no bus lies in one of the countries.
    """
    tables = OsmTables(folder)
    buses = _chosen(tables.ac, countries)
    branches, beyond = _between(buses, tables.lines())
    left_out = tables.left_out + Counter(beyond=beyond)
    if keep_buses:
        nodes = [_node(bus.id, [bus]) for bus in buses.values()]
    else:
        nodes, branches, inside = _merge(buses, branches)
        left_out["inside"] = inside
    stations = len(nodes)
    alone: list[list[str]] = []
    if not keep_islands:
        nodes, branches, alone = _largest_island(nodes, branches)
    raw = RawGrid(
        name=folder.resolve().name,
        credit=CREDIT.format(version=""),
        nodes=nodes,
        lines=[line for _, line in branches],
    )
    kinds = Counter(kind for kind, _ in branches)
    kept = tuple(sorted({node.zone for node in nodes if node.zone}))
    network = OsmNetwork(raw, kept, len(buses), stations, kinds, left_out, alone)
    raw.note = _note(network)
    return network


def _chosen(buses: Mapping[str, Bus], countries: Sequence[str]) -> dict[str, Bus]:
    there = _countries(buses)
    unknown = [country for country in countries if country not in there]
    if unknown:
        raise UsageError(f"no bus lies in {', '.join(unknown)}", hint=f"there is {' '.join(there)}")
    return {bus.id: bus for bus in buses.values() if not countries or bus.country in countries}


def _countries(buses: Mapping[str, Bus]) -> tuple[str, ...]:
    return tuple(sorted({bus.country for bus in buses.values() if bus.country}))


def _between(buses: Mapping[str, Bus], branches: Iterable[Branch]) -> tuple[list[Branch], int]:
    """The branches with both ends among these buses, and how many have one."""
    kept, beyond = [], 0
    for kind, line in branches:
        ends = (line.source in buses) + (line.target in buses)
        beyond += ends == 1
        if ends == 2:
            kept.append((kind, line))
    return kept, beyond


def _merge(
    buses: Mapping[str, Bus], branches: list[Branch]
) -> tuple[list[RawNode], list[Branch], int]:
    """A node for the buses that transformers join: the data have one between any two of a station.

    What lies within a station vanishes; the number is that of its AC lines and HVDC links.
    """
    pairs = [(line.source, line.target) for kind, line in branches if kind == "transformer"]
    stations = [[buses[bus_id] for bus_id in ids] for ids in islands(buses, pairs)]
    for station in stations:
        station.sort(key=lambda bus: (bus.id.startswith("virtual"), -(bus.kv or 0.0), bus.id))
    named = Counter(_station_id(station[0]) for station in stations)
    nodes: list[RawNode] = []
    node_of: dict[str, str] = {}
    for station in stations:
        node_id = _station_id(station[0])
        nodes.append(_node(node_id if named[node_id] == 1 else station[0].id, station))
        node_of |= {bus.id: nodes[-1].id for bus in station}
    kept, inside = [], 0
    for kind, line in branches:
        line.source, line.target = node_of[line.source], node_of[line.target]
        if line.source != line.target:
            kept.append((kind, line))
        else:
            inside += kind != "transformer"
    return nodes, kept, inside


def _station_id(bus: Bus) -> str:
    """``way/123`` of the bus ``way/123-380``: an object of OpenStreetMap."""
    return bus.id.removesuffix(f"-{bus.kv or 0:.0f}")


def _node(node_id: str, buses: Sequence[Bus]) -> RawNode:
    first = buses[0]
    kv = "/".join(f"{bus.kv:g}" for bus in sorted(buses, key=lambda b: -(b.kv or 0)) if bus.kv)
    name = f"{_station_id(first)} ({kv} kV)"
    zone = first.country or None
    return RawNode(id=node_id, name=name, lat=first.lat, lon=first.lon, zone=zone, country=zone)


def _largest_island(
    nodes: list[RawNode], branches: list[Branch]
) -> tuple[list[RawNode], list[Branch], list[list[str]]]:
    pairs = ((line.source, line.target) for _, line in branches)
    found = sorted(islands((node.id for node in nodes), pairs), key=len, reverse=True)
    kept = set(found[0]) if found else set()
    return (
        [node for node in nodes if node.id in kept],
        [(kind, line) for kind, line in branches if line.source in kept],
        found[1:],
    )


def _note(network: OsmNetwork) -> str:
    named = network.countries
    countries = ", ".join(named) if len(named) <= NAMED_COUNTRIES else f"{len(named)} countries"
    parts = [f"{network.buses:,} AC buses at {network.stations:,} nodes"]
    parts += [f"{network.kinds[kind]:,} {KINDS[kind]}" for kind in KINDS if network.kinds[kind]]
    if network.islands:
        nodes = sum(map(len, network.islands))
        parts.append(f"nodes left out in smaller islands: {nodes:,}")
    return NOTE.format(countries=countries, parts=", ".join(parts))
