import numpy as np
import pytest

from tables.risk_table import HoppingWindows, RiskTable
from tables.shard_state import ShardState
from tables.windows import WindowSpec

SPEC = WindowSpec(step_s=10, size_s=30, lateness_s=0)


class Log(dict[bytes, bytes]):
    """A store that remembers the order of its writes, as a changelog does."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[tuple[bytes, bytes | None]] = []

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.writes.append((key, value))
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        self.writes.append((key, None))
        super().__delitem__(key)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def table(log: Log) -> RiskTable:
    return RiskTable(log, grid_size=2)


def add(table: RiskTable, start_s: int, stress: float, *, run: str = "r") -> None:
    panes = table.panes(run, 0)
    panes.to_change(start_s).add("x", start_s, np.array([stress]), np.array([stress, 0.0]))
    panes.save()


def test_a_window_is_the_sum_of_the_panes_it_holds(table: RiskTable) -> None:
    for start_s, stress in ((0, 1.0), (10, 2.0), (20, 4.0), (30, 8.0)):
        add(table, start_s, stress)
    windows = HoppingWindows(table.panes("r", 0), SPEC, shard_size=1)
    assert windows.at(30).stress.tolist() == [7.0]
    assert windows.at(40).stress.tolist() == [14.0]
    assert windows.at(40).source_stress.tolist() == [14.0, 0.0]
    assert windows.at(40).risk.tolist() == [1 - np.exp(-14.0)]


def test_a_window_without_panes_is_empty(table: RiskTable) -> None:
    window = HoppingWindows(table.panes("r", 0), SPEC, shard_size=1).at(30)
    assert window.stress.tolist() == [0.0]
    assert window.source_stress.tolist() == [0.0, 0.0]


def test_runs_and_shards_do_not_see_each_other(table: RiskTable) -> None:
    add(table, 0, 1.0, run="one")
    assert table.panes("two", 0).get(0) is None
    assert table.panes("one", 1).get(0) is None


def test_deleting_writes_nothing_for_panes_that_never_were(table: RiskTable, log: Log) -> None:
    add(table, 20, 1.0)
    log.writes.clear()
    table.panes("r", 0).delete(range(0, 30, 10))
    assert [value for _, value in log.writes] == [None]


def test_forgetting_a_run_leaves_nothing_of_it(table: RiskTable, log: Log) -> None:
    for run in ("one", "two"):
        add(table, 10, 1.0, run=run)
        table.put_state(run, 0, ShardState.new(1, started_ms=1))
    table.forget("one", 0)
    assert list(table.runs(0)) == ["two"]
    assert table.panes("one", 0).get(10) is None
    assert table.panes("two", 0).get(10) is not None
