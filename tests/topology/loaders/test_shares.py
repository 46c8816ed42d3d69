from pathlib import Path

import pytest

from tests.topology.samples import small_grid
from topology.errors import DataError, UsageError
from topology.grid import usual_limit_mw
from topology.loaders import build_grid, read_raw, to_json
from topology.loaders.defaults import fill_defaults
from topology.loaders.raw import RawGrid, RawLine, RawNode
from topology.loaders.validation import validate


def _star(**loads: object) -> RawGrid:
    """`hub` with three lines, of 100, 200 and 300 MW, to `a`, `b` and `c`; no loads but these."""
    return RawGrid(
        name="star",
        nodes=[RawNode(n, load_mw=loads.get(n)) for n in ("hub", "a", "b", "c")],
        lines=[RawLine("hub", n, limit_mw=mw) for n, mw in (("a", 100), ("b", 200), ("c", 300))],
    )


def _shares(raw: RawGrid) -> dict[str, float]:
    return {node.id: node.share for node in raw.nodes}


def test_without_loads_shares_follow_the_capacity_that_ends_at_a_node_and_say_so() -> None:
    raw = fill_defaults(_star())
    assert _shares(raw) == pytest.approx({"hub": 0.5, "a": 1 / 12, "b": 1 / 6, "c": 0.25})
    assert all("share" in node.assumed for node in raw.nodes)
    assert "capacity" in raw.assumptions["share"]


def test_loads_of_the_file_go_first_and_are_no_assumption() -> None:
    raw = fill_defaults(_star(a=30, b=10, c=-5))
    assert _shares(raw) == {"hub": 0, "a": 0.75, "b": 0.25, "c": 0}
    assert "share" not in raw.assumptions
    assert not any("share" in node.assumed for node in raw.nodes)


def test_a_node_without_load_has_no_rating_and_the_grid_is_valid() -> None:
    raw = fill_defaults(_star(a=30))
    assert validate(raw) == []
    assert build_grid(raw).rated_mw.tolist() == [36, 0, 0, 0]
    assert [node.rating_mw for node in raw.nodes] == [None, 36, None, None]


def test_a_node_known_to_have_no_load_gets_no_assumed_share_either() -> None:
    raw = _star()
    raw.nodes[0].has_load = False
    fill_defaults(raw)
    assert _shares(raw) == pytest.approx({"hub": 0, "a": 1 / 6, "b": 1 / 3, "c": 0.5})
    assert raw.nodes[0].assumed == ["position"]


@pytest.mark.parametrize(
    ("rule", "shares"),
    [
        ("degree", [0.5, 1 / 6, 1 / 6, 1 / 6]),
        ("uniform", [0.25] * 4),
        ("capacity", [0.5, 1 / 12, 1 / 6, 0.25]),
        ("p_set", [0, 1, 0, 0]),
    ],
)
def test_a_rule_that_is_asked_for_goes_before_loads(rule: str, shares: list[float]) -> None:
    raw = fill_defaults(_star(a=1), shares=rule)
    assert list(_shares(raw).values()) == pytest.approx(shares)


def test_a_line_without_limit_counts_with_what_its_voltage_usually_carries() -> None:
    raw = _star()
    raw.lines[0].limit_mw, raw.lines[0].voltage_kv = None, 220
    fill_defaults(raw)
    usual = usual_limit_mw(220)
    assert _shares(raw)["a"] == pytest.approx(usual / (2 * usual + 1000))


def test_p_set_without_a_load_is_refused_with_the_other_rules() -> None:
    with pytest.raises(UsageError, match="gives no loads") as caught:
        fill_defaults(_star(), shares="p_set")
    assert "capacity" in (caught.value.hint or "")


def test_shares_from_a_file_replace_those_of_a_finished_grid(tmp_path: Path) -> None:
    grid, shares = tmp_path / "grid.json", tmp_path / "shares.csv"
    grid.write_bytes(to_json(build_grid(small_grid())))
    shares.write_text("node,share\na,30\nb,10\nc,60\n")
    raw = read_raw(str(grid), shares=str(shares))
    assert _shares(raw) == {"a": 0.75, "b": 0.25, "c": 1.0, "d": 0.0}
    assert raw.zone_shares == {"north": 0.4, "south": 0.6}
    assert validate(raw) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("node,part\na,1\n", "row 1 has not the columns"),
        ("node,share\nx,1\n", "row 2: node 'x' is not in the grid"),
        ("node,share\na,1\na,2\n", "row 3: node 'a' is there twice"),
        ("node,share\na,much\n", "row 2: share 'much'"),
        ("node,share\na,-1\n", "row 2: share '-1'"),
        ("node,share\na,inf\n", "row 2: share 'inf'"),
        ("node,share\na,0\n", "no node has a share above 0"),
    ],
)
def test_a_wrong_file_of_shares_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "shares.csv").write_text(text)
    with pytest.raises(DataError, match=problem):
        fill_defaults(_star(), shares=str(tmp_path / "shares.csv"))


def test_what_is_neither_rule_nor_file_is_refused() -> None:
    with pytest.raises(UsageError, match="no rule and no file of shares 'capacities'"):
        fill_defaults(_star(), shares="capacities")


def test_loads_without_a_size_beside_others_are_warned_of() -> None:
    raw = _star(a=5)
    for node in raw.nodes[:3]:
        node.has_load = True
    (warning,) = validate(fill_defaults(raw))
    assert warning.level == "warning"
    assert "2 nodes" in warning.message
    assert "hub, b" in warning.message


def test_zones_keep_their_parts_of_the_whole_unless_it_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    path.write_bytes(to_json(build_grid(small_grid())))
    raw = read_raw(str(path), shares="uniform")
    assert raw.zone_shares == {"north": 0.25, "south": 0.75}
    # Ratings of other shares would not fit.
    assert [node.rating_mw for node in raw.nodes] == pytest.approx([60, 60, 180, 180])
    assert all("rating_mw" in node.assumed for node in raw.nodes)


def test_a_load_that_is_no_number_is_reported() -> None:
    raw = fill_defaults(_star(a="100", b=float("nan"), c=1e12, hub=5))
    assert {(p.id, p.field) for p in validate(raw)} == {(n, "load_mw") for n in "abc"}
