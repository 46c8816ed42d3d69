from topology.loaders.hvdc import DcLink, hvdc_lines
from topology.loaders.raw import RawLine


def _link(one: str, other: str, km: float, mw: float = 500.0) -> DcLink:
    return DcLink((one, other), km, 320.0, mw)


def _line(source: str, target: str, km: float, mw: float = 500.0) -> RawLine:
    return RawLine(source, target, km, 320.0, limit_mw=mw, dc=True)


def test_two_poles_are_two_lines() -> None:
    links = [_link("a", "b", 80.0), _link("a", "b", 82.0)]
    assert hvdc_lines(links, {"a": "A", "b": "B"}) == [_line("A", "B", 80.0), _line("A", "B", 82.0)]


def test_a_switching_station_counts_as_the_nearest_converter_along_the_links() -> None:
    links = [_link("a", "s", 100.0), _link("s", "b", 20.0), _link("s", "c", 50.0, 800.0)]
    converters = {"a": "A", "b": "B", "c": "C"}
    assert hvdc_lines(links, converters) == [_line("A", "B", 120.0), _line("B", "C", 70.0, 800.0)]


def test_a_chain_of_switching_stations_is_one_line_of_the_whole_length() -> None:
    links = [_link("a", "s", 10.0), _link("s", "t", 30.0), _link("t", "b", 5.0)]
    assert hvdc_lines(links, {"a": "A", "b": "B"}) == [_line("A", "B", 45.0)]


def test_back_to_back_converters_of_one_bus_are_no_line() -> None:
    assert hvdc_lines([_link("a", "b", 1.0)], {"a": "A", "b": "A"}) == []


def test_a_link_without_a_converter_in_reach_is_none() -> None:
    links = [_link("a", "b", 1.0), _link("x", "y", 9.0)]
    assert hvdc_lines(links, {"a": "A", "b": "B"}) == [_line("A", "B", 1.0), None]
