import json
from pathlib import Path

import pytest

from topology.errors import DataError, UsageError
from topology.loaders import build_grid, read_raw, to_json
from topology.loaders.defaults import fill_defaults
from topology.loaders.raw import RawGrid, RawLine, RawNode
from topology.loaders.validation import validate
from topology.loaders.zones import _control_area


def _row(*labels: dict[str, object]) -> RawGrid:
    """Nodes n0, n1, ... a degree of longitude apart, on a chain."""
    nodes = [RawNode(f"n{i}", lat=50.0, lon=float(i), **one) for i, one in enumerate(labels)]
    lines = [RawLine(f"n{i}", f"n{i + 1}") for i in range(len(nodes) - 1)]
    return RawGrid(name="row", nodes=nodes, lines=lines)


def _zones(raw: RawGrid) -> list[str]:
    return [node.zone for node in raw.nodes]


def test_a_node_without_a_zone_gets_that_of_the_nearest_and_is_marked() -> None:
    raw = fill_defaults(_row({"zone": "west"}, {}, {}, {}, {"country": "east"}, {}))
    assert _zones(raw) == ["west", "west", "west", "east", "east", "east"]
    assert [i for i, node in enumerate(raw.nodes) if "zone" in node.assumed] == [1, 2, 3, 5]
    assert "nearest" in raw.assumptions["zone"]
    assert validate(raw) == []


def test_without_any_zone_there_is_one_and_no_assumption() -> None:
    raw = fill_defaults(_row({}, {}))
    assert _zones(raw) == ["grid", "grid"]
    assert "zone" not in raw.assumptions


@pytest.mark.parametrize(
    ("operator", "area"),
    [
        ("TenneT;EON_Netz", "TenneT"),
        ("EON_Netz", "TenneT"),
        ("Vattenfall Europe AG;50Hertz", "50Hertz"),
        ("Amprion; Westnetz", "Amprion"),
        ("TenneT TSO GmbH, E.ON Netz GmbH", "TenneT"),
        ("EnBW Transportnetze AG", "TransnetBW"),
        ("RTE", "RTE"),
        ("", None),
    ],
)
def test_operators_name_control_areas(operator: str, area: str | None) -> None:
    assert _control_area(operator) == area


def test_operators_of_few_nodes_have_no_area() -> None:
    raw = _row(*[{"operator": "Amprion"}] * 15, *[{"operator": "TenneT"}] * 15, {"operator": "RTE"})
    assert _zones(fill_defaults(raw, zones="operator"))[-2:] == ["TenneT", "TenneT"]
    assert raw.nodes[-1].assumed == ["zone", "share", "rating_mw"]


def test_areas_of_a_geojson_file(tmp_path: Path) -> None:
    def square(zone: str, west: float, east: float) -> dict[str, object]:
        ring = [[west, 49], [east, 49], [east, 51], [west, 51], [west, 49]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        return {"type": "Feature", "properties": {"Zone": zone}, "geometry": geometry}

    path = tmp_path / "areas.geojson"
    features = [square("a", -0.5, 1.5), square("b", 1.6, 2.5)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    raw = fill_defaults(_row({"zone": "x"}, {}, {}, {}), zones=str(path))
    assert _zones(raw) == ["a", "a", "b", "b"]
    assert [node.id for node in raw.nodes if "zone" in node.assumed] == ["n3"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not json", "not a GeoJSON file"),
        ('{"features": [{"properties": {"pop": 3}, "geometry": null}]}', "has no name.*'pop'"),
        (
            '{"features": [{"id": 7, "geometry": {"type": "Point", "coordinates": [8, 50]}}]}',
            "no area in degrees",
        ),
        (
            '{"features": [{"id": 7, "geometry": {"type": "Polygon", "coordinates": '
            "[[[500000, 5000000], [600000, 5000000], [600000, 5100000], [500000, 5000000]]]}}]}",
            "no area in degrees",
        ),
        ('{"type": "Polygon"}', "not a GeoJSON file of areas: 'features'"),
        ('{"features": [5]}', "not a GeoJSON file of areas"),
        ("[" * 200_000, "not a GeoJSON file of areas"),
    ],
)
def test_a_wrong_file_of_areas_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text(text)
    with pytest.raises(DataError, match=problem):
        fill_defaults(_row({}), zones=str(path))


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("country", "no node has a country"),
        ("operator", "no operator has 5% of the nodes that name one"),
        ("nearest", "no node has a zone"),
    ],
)
def test_a_rule_that_finds_nothing_is_refused(rule: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        fill_defaults(_row({}, {}), zones=rule)


def test_shares_without_the_zones_own_cannot_be_regrouped() -> None:
    raw = _row(*({"zone": z, "country": "x", "share": 1.0} for z in "ab"))
    with pytest.raises(UsageError, match="shares within zones, and not the zones' own"):
        fill_defaults(raw, zones="country")
    one = _row(*({"zone": "a", "country": c, "share": 0.5} for c in "xy"))
    assert fill_defaults(one, zones="country").zone_shares == {"x": 0.5, "y": 0.5}


def test_a_new_zone_without_load_is_valid(tmp_path: Path) -> None:
    start = fill_defaults(_row({"load_mw": 5, "zone": "a"}, {"zone": "a", "load_mw": 0}))
    path, areas = tmp_path / "grid.json", tmp_path / "areas.geojson"
    path.write_bytes(to_json(build_grid(start)))
    ring = [[0.5, 49], [3, 49], [3, 51], [0.5, 51], [0.5, 49]]
    west = [[x - 1, y] for x, y in ring]
    features = [
        {"id": name, "geometry": {"type": "Polygon", "coordinates": [place]}}
        for name, place in (("calm", ring), ("loaded", west))
    ]
    areas.write_text(json.dumps({"features": features}))
    raw = read_raw(str(path), zones=str(areas))
    assert _zones(raw) == ["loaded", "calm"]
    assert validate(raw) == []


def test_what_is_neither_rule_nor_file_is_refused() -> None:
    with pytest.raises(UsageError, match="no rule and no file of zones 'countries'"):
        fill_defaults(_row({}), zones="countries")


def test_other_zones_of_a_finished_grid_keep_every_node_s_part_of_the_whole(tmp_path: Path) -> None:
    start = fill_defaults(
        _row(*({"zone": zone, "load_mw": mw} for zone, mw in (("a", 1), ("a", 3), ("b", 4))))
    )
    before = {n.id: start.zone_shares[n.zone] * n.share for n in start.nodes}
    path, areas = tmp_path / "grid.json", tmp_path / "areas.geojson"
    path.write_bytes(to_json(build_grid(start)))
    ring = [[0.5, 49], [3, 49], [3, 51], [0.5, 51], [0.5, 49]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"name": "all"}, "geometry": geometry}
    areas.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    raw = read_raw(str(path), zones=str(areas))
    assert _zones(raw) == ["all"] * 3
    assert {n.id: raw.zone_shares[n.zone] * n.share for n in raw.nodes} == pytest.approx(before)
    assert validate(raw) == []
