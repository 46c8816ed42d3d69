import pytest

from bench.profiling import KINDS, STAGES, fold

STACKS = [
    "run (/x/faust/app.py:1);call (/x/agents/batches.py:9);decode (/x/topology/messages.py:3) 30",
    "run (/x/faust/app.py:1);fold (/x/agents/risk.py:9);at (/x/tables/risk_table.py:3) 50",
    "run (/x/faust/app.py:1);_poll (/x/asyncio/events.py:3) 20",
]


def test_self_time_is_that_of_the_innermost_frame():
    found = fold(STACKS, KINDS, leaf_only=True)
    assert found == {"windows, state": 0.5, "records": 0.3, "event loop": 0.2}


def test_the_files_of_records_count_as_records():
    stacks = [f"call (/x/topology/{name}.py:3) 1" for name in ("codec", "columns", "messages")]
    assert fold(stacks, KINDS, leaf_only=True) == {"records": 1.0}


def test_a_stack_belongs_to_the_innermost_frame_that_fits():
    found = fold(STACKS, {"stages": "/agents/", "rest": "/faust/"}, leaf_only=False)
    assert found == {"stages": 0.8, "rest": 0.2}


def test_what_fits_nothing_is_counted_as_other_and_empty_lines_are_passed_over():
    assert fold(["f (a.c:1) 4", "", "g (b.c:2) 1"], {}, leaf_only=True) == {"other": 1.0}


def test_nothing_seen_is_no_share():
    assert fold([], STAGES, leaf_only=False) == {}


@pytest.mark.parametrize("leaf_only", [True, False])
def test_shares_sum_to_one(leaf_only: bool):
    assert sum(fold(STACKS, STAGES, leaf_only=leaf_only).values()) == pytest.approx(1)
