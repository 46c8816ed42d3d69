import numpy as np
import pytest

from tables.risk_table import HoppingWindows, RiskTable, StateError
from tables.schema import NewerStateError
from tables.shard_state import ShardState
from tables.windows import WindowSpec
from tests.memory import Table

SPEC = WindowSpec(step_s=10, size_s=30, lateness_s=0)


@pytest.fixture
def store() -> Table:
    return Table()


@pytest.fixture
def table(store: Table) -> RiskTable:
    return RiskTable(store, grid_size=2)


async def add(table: RiskTable, start_s: int, stress: float, *, run: str = "r") -> None:
    panes = table.panes(run, 0)
    panes.to_change(start_s).add("x", start_s, np.array([stress]), [0], np.array([stress]))
    await table.write(0, panes.changes(None))


async def test_a_window_is_the_sum_of_the_panes_it_holds(table: RiskTable) -> None:
    for start_s, stress in ((0, 1.0), (10, 2.0), (20, 4.0), (30, 8.0)):
        await add(table, start_s, stress)
    windows = HoppingWindows(table.panes("r", 0), SPEC, shard_size=1)
    assert windows.at(30).stress.tolist() == [7.0]
    assert windows.at(40).stress.tolist() == [14.0]
    assert windows.at(40).source_stress.tolist() == [14.0, 0.0]
    assert windows.at(40).risk.tolist() == [1 - np.exp(-14.0)]


async def test_a_window_without_panes_is_empty(table: RiskTable) -> None:
    window = HoppingWindows(table.panes("r", 0), SPEC, shard_size=1).at(30)
    assert window.stress.tolist() == [0.0]
    assert window.source_stress.tolist() == [0.0, 0.0]


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
        panes.to_change(start_s)
    assert [key for key, _ in panes.changes(10)] == [b'["r",0,10]', b'["r",0,20]']
    assert len(panes.changes(None)) == 3


async def test_forgetting_a_run_leaves_nothing_of_it(table: RiskTable) -> None:
    for run in ("one", "two"):
        await add(table, 10, 1.0, run=run)
        await table.write(0, [table.state_change(run, 0, ShardState.new(1, started_ms=1))])
    changes = table.forget("one", 0)
    assert changes[-1] == (b'["one",0,null]', None)
    await table.write(0, changes)
    assert list(table.runs(0)) == ["two"]
    assert table.panes("one", 0).get(10) is None
    assert table.panes("two", 0).get(10) is not None


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
        lambda: table.runs(0),
        lambda: table.forget("r", 0),
        lambda: table.panes("r", 0).get(0),
        lambda: table.panes("r", 0).deletions(range(0, 20, 10)),
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
