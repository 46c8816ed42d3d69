import msgspec
import numpy as np
import pytest

from agents.record_sizes import check_record_sizes, largest_records
from tables.risk_table import RiskTable
from tables.shard_state import ShardState
from tables.shard_view import view_of
from tables.windows import WindowSpec
from tests.support.frames import at
from tests.support.memory import Table
from topology.codec import encode
from topology.errors import DataError
from topology.grid import Grid, Node
from topology.messages import PropagatedFrame, RiskWindow
from topology.shards import shard_nodes

LIMIT = 2 << 20
THIRD = 1 / 3


def grid_of(nodes: int, zones: int) -> Grid:
    places = [(f"bus-{i:06}", f"zone-{i % zones}") for i in range(nodes)]
    return Grid("large", tuple(Node(i, i, 50.0, 9.0, z, 0.5, 100.0, 0.8) for i, z in places), ())


def test_a_hundred_thousand_nodes_fit_into_four_partitions() -> None:
    check_record_sizes(grid_of(100_000, 4), 4, LIMIT)


@pytest.mark.parametrize(("nodes", "zones", "partitions"), [(100_000, 4, 1), (100_000, 1, 64)])
def test_what_does_not_fit_is_refused_with_the_figure(
    nodes: int, zones: int, partitions: int
) -> None:
    with pytest.raises(DataError, match=r"may be [\d,]+ bytes, more than the 2,097,152"):
        check_record_sizes(grid_of(nodes, zones), partitions, LIMIT)


async def test_records_are_no_larger_than_was_reckoned() -> None:
    grid, partitions = grid_of(400, 2), 2
    bounds = dict(largest_records(grid, partitions))
    for shard, members in enumerate(shard_nodes(grid, partitions)):
        ids = [grid.ids[node] for node in members]
        zone = [node.id for node in grid.nodes if node.zone == "zone-1"]
        frame = PropagatedFrame(
            run="r" * 128, zone="zone-1", seq=2**53, timestamps=[at(THIRD)], nodes=ids,
            stress=np.full((1, len(ids)), THIRD * 1e-5), shard=shard, sources=zone,
            source_stress=np.full((1, len(zone)), THIRD * 1e-5),
        )  # fmt: skip
        size = len(encode(frame))
        assert size <= bounds[f"a frame of propagated stress for shard {shard}"]
        window = RiskWindow(
            model="m" * 128, run="r" * 128, shard=shard, window_start=at(0), window_end=at(6),
            nodes=ids, stress=np.full(len(ids), THIRD * 1e-5), risk=np.full(len(ids), THIRD * 1e-5),
        )  # fmt: skip
        assert len(encode(window)) <= bounds[f"a window of shard {shard}"]


@pytest.mark.parametrize(
    ("nodes", "hours", "shown"), [(25_000, 2, 0), (2_310, 48, 5), (14, 200, 48)]
)
async def test_a_view_fits_into_a_record_and_says_how_far_it_reaches(
    nodes: int, hours: int, shown: int
) -> None:
    """All nodes are stressed at all times, and one zone is far ahead of the other."""
    table, spec = RiskTable(Table(), nodes, 2), WindowSpec()
    state, panes = ShardState.new(nodes, started_ms=0), table.panes("r", 0)
    values = np.full(nodes, THIRD * 1e-5)
    for hour in range(hours):
        state.add_row("ahead", at(hour).timestamp(), spec)
        pane = panes.to_change(spec.pane_of(at(hour).timestamp()))
        pane.add("ahead", hour, values, range(nodes), values)
    await table.write(0, [*panes.changes(None), table.entry_change("r", 0, state)], 0)
    view = view_of(
        table, state, spec, model="linear", run="r", shard=0, shard_size=nodes,
        zones=("ahead", "behind"), idle=(), worker="w", published_at=1.0,
    )  # fmt: skip
    assert len(msgspec.json.encode(view)) < LIMIT
    assert shown == len(view.panes) < hours
    assert view.shown_until_s == at(shown).timestamp()
    assert view.window_end_s == (view.shown_until_s if shown else None)
