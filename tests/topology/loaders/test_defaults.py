import pytest

from tests.topology.samples import line, node, small_grid
from topology.loaders import build_grid
from topology.loaders.defaults import coupling_of, fill_defaults, great_circle_km, rated_for
from topology.loaders.raw import RawGrid, RawLine, RawNode
from topology.loaders.validation import validate


@pytest.mark.parametrize(
    ("km", "kv", "coupling"),
    [(50, 380, 0.5), (0.001, 380, 1.0), (50, 750, 0.5), (50, 190, 0.25), (50, 20, 0.15)],
)
def test_coupling_halves_in_fifty_km_and_falls_with_the_voltage(
    km: float, kv: float, coupling: float
) -> None:
    assert coupling_of(km, kv) == pytest.approx(coupling, abs=1e-4)


def test_coupling_is_never_zero_nor_above_one() -> None:
    assert 0 < coupling_of(20_000, 1) < coupling_of(1e-9, 1e6) <= 1


def test_a_great_circle_of_one_degree_of_latitude_is_111_km() -> None:
    a, b = node("a", lat=50, lon=9), node("b", lat=51, lon=9)
    assert great_circle_km(a, b) == pytest.approx(111.2, abs=0.1)
    assert great_circle_km(a, node("c", lat=None)) is None


def test_what_was_given_stays_even_if_wrong() -> None:
    raw = small_grid()
    raw.nodes[0].rating_mw = -1
    raw.lines[0].length_km = "far"
    fill_defaults(raw)
    assert {(p.id, p.field) for p in validate(raw)} == {("a", "rating_mw"), ("a-b", "length_km")}


def test_ids_alone_become_a_usable_grid() -> None:
    raw = RawGrid(name="bare", nodes=[RawNode("a"), RawNode("b")], lines=[RawLine("a", "b")])
    assert validate(fill_defaults(raw)) == []
    grid = build_grid(raw)
    assert (grid.lines[0].length_km, grid.lines[0].voltage_kv) == (50, 110)


def test_a_zone_without_load_has_no_shares_no_ratings_and_no_part_of_the_whole() -> None:
    nodes = [RawNode("a", zone="x"), RawNode("b", zone="x"), RawNode("c", zone="y", load_mw=5)]
    raw = fill_defaults(RawGrid(name="g", nodes=nodes))
    assert [n.share for n in raw.nodes] == [0, 0, 1.0]
    assert raw.zone_shares == {"x": 0.0, "y": 1.0}
    assert [n.rating_mw for n in raw.nodes] == [None, None, 6.0]
    assert all(problem.level == "warning" for problem in validate(raw))
    assert [n.share for n in build_grid(raw).nodes] == [0, 0, 1.0]


def test_ids_that_are_no_text_are_reported_not_tripped_over() -> None:
    raw = RawGrid(
        name="g",
        nodes=[RawNode(3), RawNode(["x"]), RawNode("a", load_mw="much")],
        lines=[RawLine(["x"], 3), line("a", "a")],
    )
    fields = {(p.component, p.field) for p in validate(fill_defaults(raw))}
    assert {("node", "id"), ("line", "source"), ("line", "target")} <= fields


def test_ratings_can_be_set_for_another_peak() -> None:
    grid = rated_for(build_grid(small_grid()), 1000.0)
    assert [n.rating_mw for n in grid.nodes] == pytest.approx([150, 150, 180, 720])
