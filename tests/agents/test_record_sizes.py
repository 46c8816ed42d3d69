from collections.abc import Iterable, Iterator
from typing import Self

import msgspec
import numpy as np
import pytest
import scipy.sparse as sp

from agents.detection import Detection
from agents.propagation import Propagation
from agents.record_sizes import check_record_sizes, largest_records
from tables.risk_table import RiskTable
from tables.shard_state import ShardState
from tables.shard_view import MAX_OPEN_PANES, view_of
from tables.windows import WindowSpec
from tests.support.frames import at
from tests.support.memory import Table
from topology.codec import encode
from topology.errors import DataError
from topology.grid import Grid, Line, Node
from topology.messages import MeasurementFrame, RiskWindow
from topology.models import InfluenceParams, Matrix, influence_matrices
from topology.shards import shard_nodes

LIMIT = 2 << 20
THIRD = 1 / 3
PARAMS = InfluenceParams()


def grid_of(nodes: int, zones: int) -> Grid:
    """Every node is joined to its three successors, so that stress crosses zones and shards."""
    places = [(f"bus-{i:06}", f"zone-{i % zones}") for i in range(nodes)]
    lines = tuple(
        Line(f"bus-{i:06}", f"bus-{(i + k) % nodes:06}", 10.0, 220.0, 0.5)
        for i in range(nodes)
        for k in (1, 2, 3)
    )
    return Grid("large", tuple(Node(i, i, 50.0, 9.0, z, 0.5, 100.0, 0.8) for i, z in places), lines)


def alone(grid: Grid) -> dict[str, Matrix]:
    """Influence of nodes that reach themselves only."""
    return {"linear": sp.csr_array(sp.eye_array(len(grid.nodes), format="csr"))}


def test_a_hundred_thousand_nodes_fit_into_four_partitions() -> None:
    grid = grid_of(100_000, 4)
    check_record_sizes(grid, influence_matrices(grid, ["linear"], PARAMS), 4, LIMIT)


@pytest.mark.parametrize(
    ("nodes", "zones", "partitions", "what", "hint"),
    [
        (100_000, 4, 1, r"the view of shard 0 \(100,000 nodes\)", "more partitions"),
        (60_000, 1, 64, r"a frame of stress of zone 'zone-0' \(60,000 nodes\)", "divide the zone"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_it_is_and_the_way_on(
    nodes: int, zones: int, partitions: int, what: str, hint: str
) -> None:
    grid = grid_of(nodes, zones)
    with pytest.raises(
        DataError, match=what + r" may be [\d,]+ bytes and does not fit .* 2,097,152 bytes"
    ) as refused:
        check_record_sizes(grid, alone(grid), partitions, LIMIT)
    assert hint in refused.value.hint


@pytest.mark.parametrize("partitions", [1, 2, 7])
async def test_no_record_of_the_stages_is_larger_than_was_reckoned(partitions: int) -> None:
    """All nodes are stressed, by values with all their digits."""
    grid = grid_of(2_000, 2)
    influence = influence_matrices(grid, ["linear", "centrality"], PARAMS)
    bounds = {r.what: r.size for r in largest_records(grid, influence, partitions)}
    for zone in grid.zones:
        nodes = [node.id for node in grid.nodes_of(zone)]
        measured = MeasurementFrame(
            run="r" * 128, zone=zone, seq=2**53, timestamps=[at(THIRD)], nodes=nodes,
            load_mw=[[86.0 + THIRD * 1e-4 * i for i in range(len(nodes))]], period_s=1,
        )  # fmt: skip
        (frame,) = Detection(grid, 0.85)(measured)
        assert len(frame.nodes) == len(nodes)
        of = f"zone {zone!r} ({len(nodes):,} nodes)"
        assert len(encode(frame)) <= bounds[f"a frame of stress of {of}"]
        for model, matrix in influence.items():
            sizes = [len(encode(f)) for f in Propagation(grid, matrix, partitions)(frame)]
            (bound,) = (
                size for what, size in bounds.items() if f"({model}) of {of} for shard" in what
            )
            assert max(sizes) <= bound
    for shard, members in enumerate(shard_nodes(grid, partitions)):
        ids = [grid.ids[node] for node in members]
        window = RiskWindow(
            model="m" * 128, run="r" * 128, shard=shard, window_start=at(0), window_end=at(6),
            nodes=ids, stress=np.full(len(ids), THIRD * 1e-5), risk=np.full(len(ids), THIRD * 1e-5),
        )  # fmt: skip
        assert len(encode(window)) <= bounds[f"a window of shard {shard} ({len(ids):,} nodes)"]


@pytest.mark.parametrize(
    ("nodes", "hours", "shown", "level"),
    [(40_000, 2, 0, 0), (25_000, 2, 0, 3), (25_000, 3, 1, 0), (2_310, 48, 25, 0), (14, 200, 48, 3)],
)
async def test_a_view_fits_into_a_record_and_says_how_far_it_reaches(
    nodes: int, hours: int, shown: int, level: int
) -> None:
    """All nodes are stressed at all times, and one zone is far ahead of the other."""
    table, spec = RiskTable(Table(), nodes, 2), WindowSpec()
    state, panes = ShardState.new(nodes, started_ms=0), table.panes("r", 0)
    state.level[:], state.since_s[:], state.peak_risk[:] = level, at(0).timestamp(), THIRD * 1e-5
    values = np.full(nodes, THIRD * 1e-5)
    for hour in range(hours):
        state.add_row("ahead", at(hour).timestamp(), spec)
        pane = panes.to_change(spec.pane_of(at(hour).timestamp()))
        pane.add("ahead", hour, values, np.arange(nodes), values)
    await table.write(0, [*panes.changes(None), table.entry_change("r", 0, state)], 0)
    view = view_of(
        table, state, spec, model="linear", run="r", shard=0, shard_size=nodes,
        zones=("ahead", "behind"), idle=(), worker="w", published_at=1.0,
    )  # fmt: skip
    assert len(msgspec.json.encode(view)) < LIMIT
    assert shown == len(view.panes) < hours
    assert view.shown_until_s == at(shown).timestamp()
    assert view.window_end_s == at(last := min(hours, MAX_OPEN_PANES)).timestamp()
    assert view.stress.dense() == pytest.approx(values * min(last, 6))
    assert view.risk.dense() == pytest.approx(1 - np.exp(-values * min(last, 6)))
    assert view.lists_window == (shown == last)


async def test_a_view_of_thousands_of_zones_has_risk_and_panes_and_fits_into_its_bound() -> None:
    zones = [f"{'z' * 120}-{i:05}" for i in range(5_000)]
    table, spec = RiskTable(Table(), 2, len(zones)), WindowSpec()
    state, panes = ShardState.new(2, started_ms=0), table.panes("r", 0)
    state.applied = dict.fromkeys(zones, 2**53)
    state.add_row(zones[0], at(0).timestamp(), spec)
    panes.to_change(spec.pane_of(at(0).timestamp())).add(
        zones[0], 0, np.full(2, THIRD), np.arange(2), np.full(2, THIRD)
    )
    await table.write(0, [*panes.changes(None), table.entry_change("r", 0, state)], 0)
    view = view_of(
        table, state, spec, model="linear", run="r", shard=0, shard_size=2,
        zones=zones, idle=zones, worker="w", published_at=1.0,
    )  # fmt: skip
    assert view.risk.dense() == pytest.approx([1 - np.exp(-THIRD)] * 2)
    assert (len(view.panes), view.shown_until_s) == (1, None)
    grid = Grid("g", tuple(Node(z, z, 50.0, 9.0, z, 0.5, 100.0, 0.8) for z in zones[:2]), ())
    few = msgspec.structs.replace(view, applied=dict.fromkeys(zones[:2], 2**53))
    few = msgspec.structs.replace(few, idle_zones=zones[:2], panes=[])
    bounds = {r.what: r.size for r in largest_records(grid, alone(grid), 1)}
    assert len(msgspec.json.encode(few)) <= bounds["the view of shard 0 (2 nodes)"]


def test_zones_too_many_for_a_view_are_refused_at_start() -> None:
    zones = [f"{'z' * 120}-{i:05}" for i in range(8_000)]
    grid = Grid("g", tuple(Node(z, z, 50.0, 9.0, z, 0.5, 100.0, 0.8) for z in zones), ())
    (view,) = [r for r in largest_records(grid, alone(grid), 1) if r.what.startswith("the view")]
    assert view.size > LIMIT


@pytest.mark.parametrize("zones", [2, 40])
def test_nodes_are_not_walked_again_for_every_zone(zones: int) -> None:
    grid = grid_of(80, zones)
    influence = alone(grid)
    object.__setattr__(grid, "nodes", Counted(grid.nodes))  # it makes a tuple of what it is given
    list(largest_records(grid, influence, 4))
    assert 0 < Counted.passes <= 10


class Counted(tuple[Node, ...]):
    """Nodes that count how often they are walked."""

    passes = 0

    def __new__(cls, nodes: Iterable[Node]) -> Self:
        cls.passes = 0
        return super().__new__(cls, nodes)

    def __iter__(self) -> Iterator[Node]:
        Counted.passes += 1
        return super().__iter__()
