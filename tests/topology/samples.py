"""Small grids as raw records, right in everything, for tests to break."""

from topology.raw import RawGrid, RawLine, RawNode


def node(node_id: str, **changes: object) -> RawNode:
    values: dict[str, object] = {
        "name": node_id.upper(),
        "lat": 50.0,
        "lon": 9.0,
        "zone": "north",
        "share": 0.5,
        "rating_mw": 100.0,
        "sensitivity": 0.8,
    }
    return RawNode(id=node_id, **(values | changes))


def line(source: str, target: str, **changes: object) -> RawLine:
    values: dict[str, object] = {"length_km": 10.0, "voltage_kv": 380.0, "coupling": 0.8}
    return RawLine(source=source, target=target, **(values | changes))


def small_grid() -> RawGrid:
    """Two zones of two nodes each, on a chain a-b-c-d."""
    return RawGrid(
        name="small",
        zone_shares={"north": 0.25, "south": 0.75},
        nodes=[
            node("a"),
            node("b"),
            node("c", zone="south", share=0.2),
            node("d", zone="south", share=0.8),
        ],
        lines=[line("a", "b"), line("b", "c"), line("c", "d")],
    )
