import math
from pathlib import Path

import pytest

from tests.support.osm_files import Size, write_osm_files
from topology.errors import DataError, UsageError
from topology.islands import islands
from topology.loaders import build_grid, load_grid
from topology.loaders.defaults import fill_defaults
from topology.loaders.osm import read_osm
from topology.loaders.raw import RawLine, RawNode
from topology.loaders.validation import validate

BUSES = """bus_id,voltage,dc,symbol,under_construction,tags,x,y,country,geometry
way/1-400,400,f,Substation,f,way/1,2.5,48.5,FR,POINT (2.5 48.5)
way/1-225,225,f,Substation,f,way/1,2.5001,48.5,FR,POINT (2.5001 48.5)
virtual_way/77-63,63,f,Substation,f,way/1,2.5002,48.5,FR,POINT (2.5002 48.5)
way/2-400,400,f,Substation,f,,3.5,48.5,FR,POINT (3.5 48.5)
relation/3-400,400,f,Substation,f,,4.5,48.5,FR,POINT (4.5 48.5)
way/4-400,400,f,Substation,f,,2.5,42.0,ES,POINT (2.5 42.0)
way/5-225,225,f,Substation,f,,9.0,42.0,FR,POINT (9.0 42.0)
way/6-400,400,f,Substation,t,,3.0,48.0,FR,POINT (3.0 48.0)
way/dc1,320,t,Substation,f,way/dc1,3.5,48.4,FR,POINT (3.5 48.4)
way/dc2,320,t,Substation,f,way/dc2,2.5,42.1,ES,POINT (2.5 42.1)
"""
LINE_COLUMNS = (
    "line_id,bus0,bus1,voltage,i_nom,circuits,s_nom,r,x,b,length,underground,under_construction,"
    "type,tags,geometry\n"
)
LINES = (
    LINE_COLUMNS
    + """l1,way/1-400,way/2-400,400,2.58,2,3574.953,1.1,9.25,1e-05,75200.5,f,f,T,,'LINE (2 48,
 3 48)'
l2,way/2-400,relation/3-400,400,2.58,1,,0,,0,74000.0,f,f,T,'way/1,''x''','LINE (3 48,4 48)'
l3,way/1-225,way/2-400,225,,1,,0,0,0,,f,f,T,,
l4,way/1-400,way/1-225,400,2.58,1,1787.5,0,0.3,0,900,f,f,T,,
l5,way/2-400,way/4-400,400,2.58,1,1787.5,0,180,0,720000,f,f,T,,
l6,relation/3-400,way/1-400,400,2.58,1,1787.5,0,30,0,150000,f,t,T,,
l7,way/6-400,way/1-400,400,2.58,1,1787.5,0,10,0,66000,f,f,T,,
"""
)
TRANSFORMERS = """transformer_id,bus0,bus1,voltage_bus0,voltage_bus1,s_nom,geometry
way/1-400-225,way/1-400,way/1-225,400,225,2000,'LINESTRING (2.5 48.5,2.5001 48.5)'
way/1-400-63,way/1-400,virtual_way/77-63,400,63,2000,'LINESTRING (2.5 48.5,2.5002 48.5)'
way/1-225-63,way/1-225,virtual_way/77-63,225,63,500,'LINESTRING (2.5001 48.5,2.5002 48.5)'
"""
LINKS = """link_id,bus0,bus1,voltage,p_nom,length,underground,under_construction,tags,geometry
relation/9-320-DC,way/dc1,way/dc2,320,1000,721000.0,t,f,,'LINESTRING (3.5 48.4,2.5 42.1)'
"""
CONVERTERS = """converter_id,bus0,bus1,voltage,p_nom,geometry
conv-way/dc1,way/dc1,way/2-400,320,1000,'LINESTRING (3.5 48.4,3.5 48.5)'
conv-way/dc2,way/dc2,way/4-400,320,1000,'LINESTRING (2.5 42.1,2.5 42.0)'
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "grid"
    made.mkdir()
    for name, text in (
        ("buses", BUSES), ("lines", LINES), ("transformers", TRANSFORMERS), ("links", LINKS),
        ("converters", CONVERTERS),
    ):  # fmt: skip
        (made / f"{name}.csv").write_text(text)
    return made


def test_a_substation_is_a_node_with_the_id_of_openstreetmap(folder: Path) -> None:
    network = read_osm(folder)
    assert [(n.id, n.name, n.lat, n.lon, n.zone) for n in network.raw.nodes] == [
        ("way/1", "way/1 (400/225/63 kV)", 48.5, 2.5, "FR"),
        ("way/2", "way/2 (400 kV)", 48.5, 3.5, "FR"),
        ("relation/3", "relation/3 (400 kV)", 48.5, 4.5, "FR"),
        ("way/4", "way/4 (400 kV)", 42.0, 2.5, "ES"),
    ]
    assert (network.buses, network.stations, network.countries) == (7, 5, ("ES", "FR"))
    assert network.kinds == {"line": 4, "hvdc": 1}
    assert network.left_out["inside"] == 1
    assert network.islands == [["way/5"]]
    assert network.left_out["under construction"] == 3
    assert network.left_out["beyond"] == 0


def test_lines_have_what_the_data_say_in_our_units(folder: Path) -> None:
    lines = read_osm(folder).raw.lines
    assert lines[0] == RawLine("way/1", "way/2", 75.2005, 400.0, None, 9.25, 3574.953)
    by_current = math.sqrt(3) * 400 * 2.58
    assert lines[1] == RawLine(
        "way/2", "relation/3", 74.0, 400.0, limit_mw=pytest.approx(by_current)
    )
    assert lines[2] == RawLine("way/1", "way/2", None, 225.0)


def test_an_hvdc_link_joins_the_ac_buses_behind_its_converters(folder: Path) -> None:
    *_, last = read_osm(folder).raw.lines
    assert last == RawLine("way/2", "way/4", 721.0, 320.0, limit_mw=1000.0, dc=True)


def test_only_lines_between_the_chosen_countries_are_kept(folder: Path) -> None:
    network = read_osm(folder, ["FR"])
    assert {node.zone for node in network.raw.nodes} == {"FR"}
    assert network.left_out["beyond"] == 2
    assert network.kinds == {"line": 3}
    assert [node.id for node in read_osm(folder, ["ES"]).raw.nodes] == ["way/4"]


def test_a_country_that_is_not_there_is_refused_with_those_that_are(folder: Path) -> None:
    with pytest.raises(UsageError, match="no bus lies in XX, DE") as error:
        read_osm(folder, ["FR", "XX", "DE"])
    assert error.value.hint == "there is ES FR"


def test_kept_buses_are_joined_by_transformers_of_a_tenth_of_their_rating(folder: Path) -> None:
    network = read_osm(folder, keep_buses=True)
    assert [n.id for n in network.raw.nodes][:3] == ["way/1-400", "way/1-225", "virtual_way/77-63"]
    assert network.kinds == {"line": 5, "transformer": 3, "hvdc": 1}
    last = network.raw.lines[-2]
    ohm = 0.1 * 225**2 / 500
    assert last == RawLine(
        "way/1-225", "virtual_way/77-63", 1.0, 225.0, None, pytest.approx(ohm), 500.0
    )


def test_kept_islands_are_nodes_too(folder: Path) -> None:
    network = read_osm(folder, keep_islands=True)
    assert [n.id for n in network.raw.nodes if n.id == "way/5"] == ["way/5"]
    assert network.islands == []
    problems = validate(fill_defaults(network.raw))
    assert [problem.level for problem in problems] == ["warning"]


def test_stations_with_the_same_number_keep_the_ids_of_their_buses(folder: Path) -> None:
    (folder / "transformers.csv").unlink()
    ids = [node.id for node in read_osm(folder, keep_islands=True).raw.nodes]
    assert ids[:4] == ["way/1-400", "way/1-225", "virtual_way/77", "way/2"]


def test_such_a_folder_is_recognised_and_says_whose_it_is(folder: Path) -> None:
    grid = load_grid(str(folder))
    assert (grid.name, len(grid.nodes), len(grid.lines)) == ("grid", 4, 5)
    assert grid.credit.startswith("© OpenStreetMap contributors, ODbL 1.0; ")
    first, parts, _ = grid.note.split("\n")
    assert first == ("Transmission grid of ES, FR from OpenStreetMap. Not an operational model.")
    assert parts == (
        "7 AC buses at 5 nodes, 4 AC lines, 1 HVDC links, nodes left out in smaller islands: 1."
    )


def test_buses_and_lines_are_enough(folder: Path) -> None:
    for name in ("transformers", "links", "converters"):
        (folder / f"{name}.csv").unlink()
    (folder / "buses.csv").write_text(
        "bus_id,voltage,dc,x,y,country\na-380,380,f,9,50,DE\nb-380,380,f,10,50,DE\n"
    )
    (folder / "lines.csv").write_text("bus0,bus1,voltage,length\na-380,b-380,380,\n")
    grid = load_grid(str(folder))
    assert grid.ids == ("a", "b")
    assert grid.lines[0].length_km == pytest.approx(71.5, abs=0.1)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("lines", "bus0", "from", "lines.csv: has no column bus0"),
        ("links", "p_nom", "power", "links.csv: has no column p_nom"),
        ("buses", "way/2-400", "way/1-400", "buses.csv:5: bus 'way/1-400' is there twice"),
        ("buses", "400,f,Sub", "400,AC,Sub", "buses.csv:2: dc has value 'AC'"),
        ("buses", "2.5,48.5", "east,48.5", "buses.csv:2: x has value 'east'"),
    ],
)
def test_what_is_needed_and_wrong_is_an_error_that_says_where(
    folder: Path, file: str, old: str, new: str, message: str
) -> None:
    path = folder / f"{file}.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        read_osm(folder)


def test_lines_to_a_bus_that_is_not_there_are_left_out_and_counted(folder: Path) -> None:
    path = folder / "lines.csv"
    path.write_text(path.read_text().replace("way/4-400", "way/8-400"))
    network = read_osm(folder)
    assert network.left_out["dangling"] == 1
    assert network.kinds == {"line": 3, "hvdc": 1}


def test_without_lines_the_error_says_what_is_needed(folder: Path) -> None:
    (folder / "lines.csv").unlink()
    with pytest.raises(DataError, match=r"has no lines\.csv") as error:
        read_osm(folder)
    assert "buses.csv and lines.csv" in error.value.hint


def test_a_geometry_may_be_longer_than_python_reads_by_default(folder: Path) -> None:
    long = ",".join(f"{i / 7}" for i in range(20_000))
    path = folder / "links.csv"
    path.write_text(path.read_text().replace("2.5 42.1)", f"2.5 42.1,{long})"))
    assert read_osm(folder).kinds["hvdc"] == 1


def test_made_up_data_become_the_grid_they_were_made_for(tmp_path: Path) -> None:
    size = Size()
    write_osm_files(tmp_path, size)
    network = read_osm(tmp_path)
    assert len(network.raw.nodes) == size.stations
    assert network.buses == size.buses + 2 * size.islands
    assert network.kinds == {"line": size.lines, "hvdc": size.links}
    assert network.left_out["under construction"] == size.under_construction
    assert [len(island) for island in network.islands] == [2]
    assert len(network.countries) == size.countries
    assert validate(fill_defaults(network.raw)) == []


def test_the_grid_of_a_country_is_a_part_of_europes(tmp_path: Path) -> None:
    size = Size(stations=400, buses=520, lines=700, links=8, countries=12, islands=2)
    write_osm_files(tmp_path, size)
    europe = read_osm(tmp_path, keep_islands=True).raw
    some = read_osm(tmp_path, ["DE", "FR"], keep_islands=True).raw
    inside = {node.id for node in europe.nodes if node.zone in ("DE", "FR")}
    assert {node.id for node in some.nodes} == inside
    assert some.lines == [e for e in europe.lines if e.source in inside and e.target in inside]
    largest = read_osm(tmp_path, ["DE", "FR"]).raw
    pairs = [(line.source, line.target) for line in some.lines]
    expected = max(islands(inside, pairs), key=len)
    assert sorted(node.id for node in largest.nodes) == expected
    assert build_grid(fill_defaults(largest)).zones == ("DE", "FR")


def test_a_node_without_a_country_is_of_the_nearest_node_s(folder: Path) -> None:
    path = folder / "buses.csv"
    path.write_text(path.read_text().replace("4.5,48.5,FR", "4.5,48.5,"))
    node: RawNode = fill_defaults(read_osm(folder).raw).nodes[2]
    assert (node.zone, node.country) == ("FR", None)
    assert "zone" in node.assumed
