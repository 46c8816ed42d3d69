"""Values of every schema up to ours are read, ours is written, newer ones are refused."""

import numpy as np
import pytest

from tables.risk_table import RiskTable
from tables.schema import SCHEMA, NewerStateError, add_schema_byte, schema_of, strip_schema_byte
from tables.shard_state import ShardState
from tests.support.memory import Table
from tests.support.older_tables import in_schema

GRID_SIZE = 2


def a_state() -> ShardState:
    state = ShardState.new(GRID_SIZE, started_ms=7)
    state.applied["north"], state.newest_s["north"] = 3, 3 * 3600.0
    state.closed_until_s = 7200
    return state


async def written() -> Table:
    """A state and a pane, as this gridstress writes them."""
    store = Table()
    table = RiskTable(store, GRID_SIZE)
    panes = table.panes("r", 0)
    panes.to_change(3600).add("north", 3, np.array([0.5, 0.0]), [1], np.array([0.25]))
    changes = [*panes.changes(None), table.entry_change("r", 0, a_state())]
    await table.write(0, changes, table.version(0))
    return store


def in_first_schema(store: Table) -> Table:
    """The same as before values were marked and states had tags."""
    values = store.shards[0].items()
    return Table({0: {key: in_schema(1, key, value) for key, value in values}})


async def test_what_is_written_says_its_schema() -> None:
    store = await written()
    assert {schema_of(value) for value in store.shards[0].values()} == {SCHEMA}


async def test_values_of_the_first_schema_say_the_same() -> None:
    store = await written()
    older = in_first_schema(store)
    assert {schema_of(value) for value in older.shards[0].values()} == {1}
    for one in (store, older):
        table = RiskTable(one, GRID_SIZE)
        assert list(table.index(0).runs) == ["r"]
        state = table.state("r", 0)
        assert state is not None
        assert state.pack() == a_state().pack()
        pane = table.panes("r", 0).get(3600)
        assert pane is not None
        assert pane.applied == [{"north": 3}]
        assert pane.source_stress.tolist() == [0.0, 0.25]


async def test_an_older_state_is_carried_over_as_it_is_worked_on() -> None:
    store = in_first_schema(await written())
    table = RiskTable(store, GRID_SIZE)
    state = table.state("r", 0)
    assert state is not None
    await table.write(0, [table.entry_change("r", 0, state)], table.version(0))
    assert sorted(map(schema_of, store.shards[0].values())) == [1, SCHEMA]


def test_a_newer_value_is_refused_with_what_to_do() -> None:
    newer = bytes((SCHEMA + 1,)) + b"unknown"
    for read in (schema_of, strip_schema_byte):
        with pytest.raises(NewerStateError, match="older than the one") as refused:
            read(newer)
        assert "GRIDSTRESS_GROUP" in refused.value.hint


@pytest.mark.parametrize("packed", [b"\x93abc", b"\xdc\x00"])
def test_a_mark_is_taken_off_and_nothing_else(packed: bytes) -> None:
    assert (
        bytes(strip_schema_byte(add_schema_byte(packed)))
        == bytes(strip_schema_byte(packed))
        == packed
    )
