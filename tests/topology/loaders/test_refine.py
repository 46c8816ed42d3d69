import pytest
from typer.testing import CliRunner

from gridstress.cli import app
from topology.errors import UsageError
from topology.islands import islands_of
from topology.loaders import build_grid, load_grid, read_raw, to_json
from topology.loaders.refine import refine


def test_zone_sums_stay_and_every_old_node_and_line_is_still_there() -> None:
    coarse = load_grid("germany")
    fine = refine(coarse, 585)
    assert len(fine.nodes) == 585
    for zone in coarse.zones:
        assert sum(n.share for n in fine.nodes_of(zone)) == pytest.approx(1.0)
        before, after = (sum(n.rating_mw for n in g.nodes_of(zone)) for g in (coarse, fine))
        assert after == pytest.approx(before, rel=0.05)
    assert set(coarse.ids) <= set(fine.ids)
    assert set(coarse.lines) <= set(fine.lines)
    assert len(islands_of(fine)) == 1


def test_the_same_seed_gives_the_same_grid_and_another_one_does_not() -> None:
    grid = load_grid("germany")
    assert refine(grid, 100, seed=1) == refine(grid, 100, seed=1)
    assert refine(grid, 100, seed=1) != refine(grid, 100, seed=2)


def test_a_refined_grid_can_be_written_and_read(tmp_path) -> None:
    fine = refine(load_grid("germany"), 200)
    path = tmp_path / "fine.json"
    path.write_bytes(to_json(fine))
    again = build_grid(read_raw(str(path)))
    assert again.ids == fine.ids
    assert [n.share for n in again.nodes] == pytest.approx([n.share for n in fine.nodes])


def test_the_command_writes_a_grid_that_can_be_loaded(tmp_path) -> None:
    path = tmp_path / "fine.json"
    words = ["topology", "refine", "--nodes", "120", "--output", str(path)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert len(load_grid(str(path)).nodes) == 120


def test_a_grid_cannot_be_made_coarser() -> None:
    with pytest.raises(UsageError, match="57"):
        refine(load_grid("germany"), 10)
