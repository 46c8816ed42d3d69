from pathlib import Path

import pytest

from topology.errors import DataError
from topology.loaders import build_grid, load_grid, read_raw

BUSES = "name,v_nom,x,y,country\nn1,380,9.0,50.0,DE\nn2,380,10.0,51.0,DE\nn3,110,10.0,51.0,FR\n"
LINES = "name,bus0,bus1,x,length\nl1,n1,n2,0.1,140\n"


def _folder(tmp_path: Path, **files: str) -> str:
    for name, text in ({"buses": BUSES, "lines": LINES} | files).items():
        (tmp_path / f"{name.replace('_p', '-p')}.csv").write_text(text)
    return str(tmp_path)


def test_buses_lines_and_loads_are_read(tmp_path: Path) -> None:
    loads = "name,bus,p_set\na,n1,60\nb,n1,20\nc,n2,20\nd,n3,300\n"
    grid = load_grid(_folder(tmp_path, loads=loads))
    assert [(n.id, n.zone, n.lat, n.lon) for n in grid.nodes] == [
        ("n1", "DE", 50.0, 9.0),
        ("n2", "DE", 51.0, 10.0),
        ("n3", "FR", 51.0, 10.0),
    ]
    assert [n.share for n in grid.nodes] == [0.8, 0.2, 1.0]
    assert grid.zone_shares == {"DE": 0.25, "FR": 0.75}
    assert [n.rating_mw for n in grid.nodes] == pytest.approx([96, 24, 360])
    (line,) = grid.lines
    assert (line.length_km, line.voltage_kv) == (140, 380)
    assert grid.name == tmp_path.name


def test_loads_given_as_series_count_with_their_peak(tmp_path: Path) -> None:
    loads = "name,bus\na,n1\nb,n2\n"
    series = "snapshot,a,b\n2019-01-01,1,5\n2019-01-02,3,2\n"
    grid = load_grid(_folder(tmp_path, loads=loads, loads_p_set=series))
    assert [n.share for n in grid.nodes_of("DE")] == [0.375, 0.625]


def test_without_loads_equal_lines_give_equal_shares(tmp_path: Path) -> None:
    grid = load_grid(_folder(tmp_path))
    assert [n.share for n in grid.nodes] == [0.5, 0.5, 1.0]


def test_transformers_and_links_join_buses_too(tmp_path: Path) -> None:
    grid = load_grid(
        _folder(
            tmp_path,
            transformers="name,bus0,bus1\nt,n3,n2\n",
            links="name,bus0,bus1,length\nk,n1,n3,\n",
        )
    )
    kinds = {(e.source, e.target): (e.length_km, e.voltage_kv) for e in grid.lines}
    assert kinds[("n3", "n2")] == (1.0, 380.0)
    length_km, voltage_kv = kinds[("n1", "n3")]
    assert length_km == pytest.approx(131.8, abs=0.5)
    assert voltage_kv == 380


def test_positions_that_are_all_zero_are_none(tmp_path: Path) -> None:
    grid = load_grid(_folder(tmp_path, buses="name,x,y\nn1,0,0\nn2,0,0\n"))
    assert len({(n.lat, n.lon) for n in grid.nodes}) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no buses\.csv"):
        load_grid(str(tmp_path))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lines\.csv: has no column bus1"):
        load_grid(_folder(tmp_path, lines="name,bus0\nl1,n1\n"))


def test_a_value_that_is_no_number_is_named_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lines\.csv:2: length has value 'far'"):
        load_grid(_folder(tmp_path, lines="name,bus0,bus1,length\nl1,n1,n2,far\n"))


def test_a_line_to_an_unknown_bus_and_projected_positions_are_reported_together(
    tmp_path: Path,
) -> None:
    buses = BUSES.replace("9.0,50.0", "500000,5400000")
    with pytest.raises(DataError, match=r"3 errors: node n1: lat.*node n1: lon.*'n9'"):
        load_grid(_folder(tmp_path, buses=buses, lines=LINES.replace("n2", "n9")))


def test_what_a_power_flow_needs_is_kept(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        lines="name,bus0,bus1,x,length,s_nom\nl1,n1,n2,12.5,140,1700\n",
        transformers="name,bus0,bus1,x,s_nom\nt,n3,n2,0.1,500\n",
        generators="name,bus,p_nom,p_set\ng1,n1,300,\ng2,n1,200,150\ng3,n3,,\n",
    )
    grid = load_grid(folder)
    assert [n.generation_mw for n in grid.nodes] == [450, 0, 0]
    line, transformer = grid.lines
    assert (line.reactance_ohm, line.limit_mw) == (12.5, 1700)
    # 0.1 per unit of the transformer's own rating, on its high side.
    assert transformer.reactance_ohm == pytest.approx(0.1 * 380**2 / 500)
    assert transformer.limit_mw == 500


def test_what_scigrid_says_in_other_columns_is_read(tmp_path: Path) -> None:
    buses = (
        "name,v_nom,x,y,osm_name,operator\n"
        "1,380,9.0,50.0,Mitte,TenneT\n1_220kV,220,9.0,50.0,Mitte,TenneT\n2,380,10.0,51.0,,\n"
    )
    lines = "name,bus0,bus1,length,x_ohmkm,s_nom\nl1,1,2,140,0.25,1700\n"
    transformers = "name,bus0,bus1,x,s_nom\nt,1,1_220kV,0.1,2000\n"
    loads = "name,bus\n1,1\n2,2\n"
    folder = _folder(tmp_path, buses=buses, lines=lines, transformers=transformers, loads=loads)
    grid = build_grid(read_raw(folder, zones="operator"))
    assert [n.name for n in grid.nodes] == ["Mitte, 380 kV", "Mitte, 220 kV", "2"]
    assert grid.zones == ("TenneT",)
    (line,) = (line for line in grid.lines if line.target == "2")
    assert line.reactance_ohm == pytest.approx(0.25 * 140)
    # Loads without a size: the capacity of what ends there, where there is a load at all.
    assert [n.share for n in grid.nodes] == pytest.approx([3700 / 5400, 0, 1700 / 5400])
    assert [n.assumed for n in grid.nodes] == [
        ("share", "rating_mw"),
        (),
        ("zone", "share", "rating_mw"),
    ]


def test_names_that_stay_equal_get_the_id(tmp_path: Path) -> None:
    buses = "name,v_nom,x,y,osm_name\nn1,380,9,50,Mitte\nn2,380,9,50,Mitte\n"
    names = [node.name for node in load_grid(_folder(tmp_path, buses=buses)).nodes]
    assert names == ["Mitte, 380 kV, n1", "Mitte, 380 kV, n2"]


def test_a_name_with_other_spaces_or_of_any_length_is_read(tmp_path: Path) -> None:
    buses = f"name,x,y,osm_name\nn1,9,50,Umspannwerk\u00a0Nord\u200b\nn2,9,51,{'x' * 200}\n"
    names = [node.name for node in load_grid(_folder(tmp_path, buses=buses)).nodes]
    assert names == ["Umspannwerk Nord", "x" * 80]


def test_without_a_reactance_circuits_count(tmp_path: Path) -> None:
    lines = "name,bus0,bus1,length,num_parallel\nl1,n1,n2,100,2\nl2,n1,n3,100,\n"
    grid = load_grid(_folder(tmp_path, lines=lines))
    assert [line.reactance_ohm for line in grid.lines] == [15.0, None]


@pytest.mark.parametrize("file", ["loads", "generators"])
def test_a_load_at_an_unknown_bus_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(DataError, match=rf"{file}\.csv: bus 'ZZ' is not in buses\.csv"):
        load_grid(_folder(tmp_path, **{file: "name,bus,p_set\na,ZZ,500\n"}))
