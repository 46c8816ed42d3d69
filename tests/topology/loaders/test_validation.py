import math
from typing import Any

import pytest

from tests.topology.samples import line, node, small_grid
from topology.loaders.raw import RawGrid
from topology.loaders.validation import Problem, validate


def _found(raw: RawGrid) -> set[tuple[str, str, str]]:
    return {(p.component, p.id, p.field) for p in validate(raw) if p.level == "error"}


def test_a_grid_that_is_right_has_no_problems() -> None:
    assert validate(small_grid()) == []


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    raw = small_grid()
    raw.nodes[0].lat = 91.0
    raw.nodes[1].rating_mw = -5
    raw.nodes[2].share = 0.3
    raw.lines.append(line("a", "nowhere"))
    raw.lines.append(line("d", "d", length_km=0))
    raw.zone_shares["south"] = 0.7
    assert _found(raw) == {
        ("node", "a", "lat"),
        ("node", "b", "rating_mw"),
        ("zone", "south", "share"),
        ("line", "a-nowhere", "target"),
        ("line", "d-d", "target"),
        ("line", "d-d", "length_km"),
        ("grid", "", "zone_shares"),
    }


def test_a_problem_names_id_field_value_and_fix() -> None:
    raw = small_grid()
    raw.lines[0].coupling = 1.5
    (problem,) = validate(raw)
    assert problem == Problem(
        "line", "a-b", "coupling", "has value 1.5", "use a number in (0, 1]", "error"
    )
    assert str(problem) == "line a-b: coupling has value 1.5"


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("id", [None, "", "x" * 129, 7, "a\nb"]),
        ("name", [None, "", "x" * 129, 7]),
        ("zone", [None, "", ["north"]]),
        ("lat", [None, -90.1, 90.1, NAN, "50", True]),
        ("lon", [None, -180.1, 180.1, INF]),
        ("share", [None, -0.1, 1.1, NAN]),
        ("rating_mw", [None, 0, 9e-10, -1, NAN, INF, 10**400]),
        ("sensitivity", [None, 0, 1.1, NAN]),
        ("generation_mw", [-1, NAN, INF, "10"]),
    ],
)
def test_every_field_of_a_node_is_bounded(field: str, values: list[Any]) -> None:
    for value in values:
        raw = small_grid()
        raw.nodes[0] = node("a", **{field: value}) if field != "id" else node("a")
        if field == "id":
            raw.nodes[0].id = value
        assert field in {p.field for p in validate(raw) if p.component == "node"}, value


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("source", [None, "", "nowhere", 1]),
        ("target", [None, "", "nowhere", "a"]),
        ("length_km", [None, 0, -1, NAN, INF, "10"]),
        ("voltage_kv", [None, 0, -380, NAN, INF]),
        ("coupling", [None, 0, -0.1, 1.01, NAN]),
        ("reactance_ohm", [0, NAN, INF, "10"]),
        ("limit_mw", [0, -1, NAN, INF, "10"]),
    ],
)
def test_every_field_of_a_line_is_bounded(field: str, values: list[Any]) -> None:
    for value in values:
        raw = small_grid()
        setattr(raw.lines[0], field, value)
        assert field in {p.field for p in validate(raw) if p.component == "line"}, value


def test_the_ends_of_the_ranges_are_allowed() -> None:
    raw = small_grid()
    raw.nodes[0] = node("a", lat=-90, lon=180, share=0, sensitivity=1, rating_mw=1e-9)
    raw.nodes[1] = node("b", share=1)
    raw.nodes[0].generation_mw = 0
    raw.lines[0].coupling = 1
    raw.lines[0].reactance_ohm = -0.1  # a series capacitor
    assert validate(raw) == []


def test_an_id_used_twice_is_reported_once_with_its_count() -> None:
    raw = small_grid()
    raw.nodes.append(node("a", share=0))
    (problem,) = validate(raw)
    assert (problem.id, problem.message) == ("a", "is used by 2 nodes")


def test_a_node_without_id_is_named_by_its_place() -> None:
    raw = small_grid()
    raw.nodes[3].id = None
    assert ("node", "nodes[3]", "id") in _found(raw)


def test_shares_may_be_rounded_but_not_wrong() -> None:
    raw = small_grid()
    raw.nodes[0].share = 0.5009
    assert validate(raw) == []
    raw.nodes[0].share = 0.5011
    assert _found(raw) == {("zone", "north", "share")}


def test_zone_shares_are_of_the_zones_that_have_nodes() -> None:
    raw = small_grid()
    raw.zone_shares = {"north": 0.25, "west": 0.75}
    assert _found(raw) == {("zone", "south", "zone_shares"), ("zone", "west", "zone_shares")}
    raw.zone_shares = {"north": "much", "south": -0.1}
    assert _found(raw) == {("zone", "north", "zone_shares"), ("zone", "south", "zone_shares")}


def test_an_empty_grid_is_an_error() -> None:
    assert _found(RawGrid(name="empty")) == {("grid", "empty", "nodes")}
    assert ("grid", "", "name") in _found(RawGrid())


def test_an_island_is_a_warning_that_names_its_nodes() -> None:
    raw = small_grid()
    del raw.lines[2]
    (problem,) = validate(raw)
    assert problem.level == "warning"
    assert "(d)" in problem.message
    assert problem.fix


def test_errors_come_before_warnings() -> None:
    raw = small_grid()
    del raw.lines[2]
    raw.nodes[0].lat = None
    assert [p.level for p in validate(raw)] == ["error", "warning"]


def test_parallel_lines_are_legal() -> None:
    raw = small_grid()
    raw.lines.append(line("b", "a"))
    assert validate(raw) == []
