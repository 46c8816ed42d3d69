from pathlib import Path

import pytest

from bench.inputs.grids import grid_file, quartered
from topology.grid import Grid
from topology.loaders import load_grid
from topology.loaders.refine import refine


@pytest.fixture(scope="module")
def quarters() -> Grid:
    return quartered(refine(load_grid("germany"), 203, seed=1), load_grid("germany"))


def test_a_grid_is_divided_into_zones_of_equal_size(quarters: Grid):
    sizes = [len(quarters.nodes_of(zone)) for zone in quarters.zones]
    assert sum(sizes) == 203
    assert max(sizes) - min(sizes) <= 1


def test_the_zones_are_those_of_the_other_grid_and_loads_sum_to_one(quarters: Grid):
    germany = load_grid("germany")
    assert quarters.zones == germany.zones
    assert quarters.zone_shares == germany.zone_shares
    for zone in quarters.zones:
        assert sum(node.share for node in quarters.nodes_of(zone)) == pytest.approx(1)


def test_zones_are_quarters_of_the_map(quarters: Grid):
    west, east = (
        [n.lon for n in quarters.nodes if n.zone in quarters.zones[i : i + 2]] for i in (0, 2)
    )
    assert max(west) <= min(east)


def test_a_grid_is_written_once_and_reads_back(tmp_path: Path):
    path = grid_file("germany", tmp_path / "cache")
    assert load_grid(str(path)) == load_grid("germany")
    before = path.stat().st_mtime_ns
    assert grid_file("germany", tmp_path / "cache").stat().st_mtime_ns == before
