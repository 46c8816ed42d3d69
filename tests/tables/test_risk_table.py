import numpy as np
import pytest

from tables.risk_table import HoppingWindows, RiskTable, StateError
from tables.schema import NewerStateError
from tables.shard_state import ForgottenRun, ShardState
from tables.windows import WindowSpec
from tests.support.memory import Table

SPEC = WindowSpec(step_s=10, size_s=30, lateness_s=0)


@pytest.fixture
def store() -> Table:
    return Table()


@pytest.fixture
def table(store: Table) -> RiskTable:
    return RiskTable(store, grid_size=2)


async def add(table: RiskTable, start_s: int, stress: float, *, run: str = "r") -> None:
    panes = table.panes(run, 0)
    panes.to_change(start_s).add(
        "x", start_s, np.array([stress]), np.array([0]), np.array([stress])
    )
    await table.write(0, panes.changes(None), panes.version)


async def test_a_window_is_the_sum_of_the_panes_it_holds(table: RiskTable) -> None:
    for start_s, stress in ((0, 1.0), (10, 2.0), (20, 4.0), (30, 8.0)):
        await add(table, start_s, stress)
    windows = HoppingWindows(table.panes("r", 0), SPEC, shard_size=1)
    found = windows.ending([30, 40])
    assert found.stress.tolist() == [[7.0], [14.0]]
    assert found.risk == pytest.approx(1 - np.exp([[-7.0], [-14.0]]))
    assert [window.end_s for window in found.each] == [30, 40]
    assert found.each[1].source_stress(np.array([1, 0])).tolist() == [0.0, 14.0]


async def test_a_window_without_panes_is_empty(table: RiskTable) -> None:
    found = HoppingWindows(table.panes("r", 0), SPEC, shard_size=1).ending([30])
    assert found.stress.tolist() == found.risk.tolist() == [[0.0]]
    assert found.each[0].source_stress(np.arange(2)).tolist() == [0.0, 0.0]


async def test_runs_and_shards_do_not_see_each_other(table: RiskTable) -> None:
    await add(table, 0, 1.0, run="one")
    assert table.panes("two", 0).get(0) is None
    assert table.panes("one", 1).get(0) is None


async def test_only_panes_that_were_written_are_deleted(table: RiskTable) -> None:
    await add(table, 20, 1.0)
    (deletion,) = table.panes("r", 0).deletions(range(0, 30, 10))
    assert deletion == (b'["r",0,20]', None)


async def test_panes_that_nobody_will_ask_for_are_not_written(table: RiskTable) -> None:
    panes = table.panes("r", 0)
    for start_s in (0, 10, 20):
        pane = panes.to_change(start_s)
        pane.add("x", 0, np.array([1.0]), [0], np.array([1.0]))
    assert [key for key, _ in panes.changes(10)] == [b'["r",0,10]', b'["r",0,20]']
    assert panes.changes(None) == []


async def test_a_pane_in_parts_is_written_read_and_deleted_whole(store: Table) -> None:
    table = RiskTable(store, grid_size=200_000, zones=1)
    panes = table.panes("r", 0)
    sources = np.array([0, 199_999])
    panes.to_change(10).add("x", 0, np.array([1.0]), sources, np.array([1.0, 2.0]))
    changes = panes.changes(None)
    assert len(changes) == 2
    await table.write(0, changes, table.version(0))
    pane = table.panes("r", 0).get(10)
    assert pane is not None
    assert pane.source_stress[sources].tolist() == [1.0, 2.0]
    deletions = table.panes("r", 0).deletions([10])
    assert {key for key, _ in deletions} == {key for key, _ in changes}


async def test_the_index_is_read_anew_after_a_take_over_and_knows_all_runs(
    table: RiskTable, store: Table
) -> None:
    assert table.index(0).runs == {}
    one, two = ShardState.new(1, started_ms=1), ShardState.new(1, started_ms=2)
    one.turn, two.turn = 3, 5
    gone = [(name, ForgottenRun(turn, {"x": 9})) for name, turn in (("b", 4), ("a", 2))]
    entries = [("one", one), ("two", two), *gone]
    changes = [table.entry_change(run, 0, entry) for run, entry in entries]
    await table.write(0, changes, table.version(0))
    await add(table, 10, 1.0, run="one")
    await add(table, 10, 1.0, run="b")
    assert table.index(0).runs == {}
    store.owner += 1
    index = table.index(0)
    assert sorted(index.runs) == ["one", "two"]
    assert list(index.forgotten) == ["a", "b"]
    assert index.orphans == [b'["b",0,10]']
    assert index.next_turn() == 6


async def test_a_tombstone_is_no_state(table: RiskTable) -> None:
    changes = [table.entry_change("r", 0, ForgottenRun(1, {"x": 7}))]
    await table.write(0, changes, table.version(0))
    assert table.state("r", 0) is None
    assert table.entry("r", 0) == ForgottenRun(1, {"x": 7})


# --- a store that fails


class Broken(Table):
    """A store that cannot be read any more, as RocksDB tells it."""

    def stored(self, shard: int, key: bytes) -> bytes | None:
        raise ValueError("Corruption: block checksum mismatch")

    def stored_keys(self, shard: int) -> list[bytes]:
        raise ValueError("Corruption: block checksum mismatch")


def test_a_store_that_cannot_be_read_is_an_error_of_the_state() -> None:
    table = RiskTable(Broken(), grid_size=2)
    for read in (
        lambda: table.state("r", 0),
        lambda: table.index(0),
        lambda: table.panes("r", 0).get(0),
        lambda: table.panes("r", 0).deletions([0, 10]),
    ):
        with pytest.raises(StateError, match="block checksum mismatch"):
            read()


async def test_a_value_that_cannot_be_read_is_an_error_of_the_state(
    table: RiskTable, store: Table
) -> None:
    await add(table, 0, 1.0)
    store.shards[0] = {key: value[:-3] for key, value in store.shards[0].items()}
    with pytest.raises(StateError):
        table.panes("r", 0).get(0)


async def test_a_value_of_a_newer_schema_says_what_to_do(table: RiskTable, store: Table) -> None:
    await add(table, 0, 1.0)
    store.shards[0] = {key: b"\x63" + value[1:] for key, value in store.shards[0].items()}
    with pytest.raises(NewerStateError, match="schema 99"):
        table.panes("r", 0).get(0)


async def test_a_write_that_fails_is_an_error_of_the_state(table: RiskTable, store: Table) -> None:
    store.left = 0
    with pytest.raises(StateError, match="no space left"):
        await add(table, 0, 1.0)
