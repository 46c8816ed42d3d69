import json
from pathlib import Path
from typing import Any

import pytest

from topology.errors import DataError
from topology.grid import Grid
from topology.loaders import load_grid, read_raw, to_json
from topology.loaders.defaults import coupling_of


def _document(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": "two",
        "nodes": [
            {
                "id": node_id,
                "name": node_id,
                "lat": 50,
                "lon": 9,
                "zone": "z",
                "share": 0.5,
                "rating_mw": 10,
                "sensitivity": 1,
            }
            for node_id in ("a", "b")
        ],
        "lines": [
            {"source": "a", "target": "b", "length_km": 1, "voltage_kv": 380, "coupling": 0.5}
        ],
    }
    return document | changes


def _load(tmp_path: Path, document: Any) -> Grid:
    path = tmp_path / "grid.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return load_grid(str(path))


def _extras() -> dict[str, Any]:
    import importlib.resources

    text = importlib.resources.files("topology").joinpath("data/germany.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def test_germany_has_57_substations_and_93_lines_in_four_zones() -> None:
    grid = load_grid("germany")
    assert (len(grid.nodes), len(grid.lines)) == (57, 93)
    assert grid.zones == ("50Hertz", "Amprion", "TenneT", "TransnetBW")
    assert grid.credit == "© OpenStreetMap contributors"
    assert "Certain:" in grid.note
    assert "Approximate:" in grid.note


def test_germany_lies_in_germany() -> None:
    for node in load_grid("germany").nodes:
        assert 47.2 < node.lat < 55.1
        assert 5.8 < node.lon < 15.1


def test_german_ratings_follow_the_documented_rule() -> None:
    document = _extras()
    for node in document["nodes"]:
        peak = document["reference_peak_mw"][node["zone"]]
        assert node["rating_mw"] == round(node["margin"] * node["share"] * peak), node["id"]


def test_german_couplings_follow_the_documented_rule() -> None:
    for line in load_grid("germany").lines:
        assert line.coupling == coupling_of(line.length_km, line.voltage_kv)


def test_what_is_certain_of_each_german_line_is_kept_in_the_file() -> None:
    certainties = {line["certainty"] for line in _extras()["lines"]}
    assert certainties == {"confirmed", "newer", "corridor_only", "approximate"}


def test_shares_sum_to_one_after_reading() -> None:
    grid = load_grid("germany")
    for zone in grid.zones:
        assert sum(n.share for n in grid.nodes_of(zone)) == pytest.approx(1, abs=1e-12)
    assert sum(grid.zone_shares.values()) == pytest.approx(1, abs=1e-12)


def test_writing_and_reading_gives_the_same_grid(tmp_path: Path) -> None:
    grid = _load(tmp_path, _document())
    path = tmp_path / "again.json"
    path.write_bytes(to_json(grid))
    assert load_grid(str(path)) == grid


def test_unknown_keys_are_ignored_and_one_zone_needs_no_zone_shares(tmp_path: Path) -> None:
    grid = _load(tmp_path, _document(author="me"))
    assert grid.zone_shares == {"z": 1.0}


def test_a_missing_key_is_a_problem_not_a_default(tmp_path: Path) -> None:
    document = _document()
    del document["nodes"][0]["sensitivity"]
    del document["lines"][0]["coupling"]
    with pytest.raises(DataError, match=r"2 errors.*sensitivity is missing.*coupling is missing"):
        _load(tmp_path, document)


def test_a_document_of_another_shape_is_refused_in_one_line(tmp_path: Path) -> None:
    for text in ("{", '{"nodes": 3}', '{"nodes": [3]}', '{"name": 5}', '{"x": ' + "[" * 100_000):
        with pytest.raises(DataError) as caught:
            _load(tmp_path, text)
        assert "grid.json" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.hint


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert len(_load(tmp_path, "\ufeff" + json.dumps(_document())).nodes) == 2


def test_many_errors_are_shortened_with_their_number(tmp_path: Path) -> None:
    lines = [{"source": "a", "target": f"x{i}"} for i in range(100)]
    with pytest.raises(DataError, match=r"has 400 errors.*and 380 more") as caught:
        _load(tmp_path, _document(lines=lines))
    assert caught.value.exit_code == 4


def test_what_does_not_exist_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="germany"):
        load_grid(str(tmp_path / "nothing"))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"\x00\xff" * 50):
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(DataError, match="not a topology"):
            read_raw(str(path))


def test_what_a_power_flow_needs_is_read_and_written_where_it_is_given(tmp_path: Path) -> None:
    plain = to_json(_load(tmp_path, _document()))
    assert b"generation" not in plain
    assert b"reactance" not in plain
    document = _document()
    document["nodes"][0]["generation_mw"] = 250
    document["lines"][0] |= {"reactance_ohm": 3.5, "limit_mw": 900}
    grid = _load(tmp_path, document)
    assert grid.nodes[0].generation_mw == 250
    assert (grid.lines[0].reactance_ohm, grid.lines[0].limit_mw) == (3.5, 900)
    assert _load(tmp_path, to_json(grid).decode()) == grid
