from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.detection import stress_of
from bench.peers.stopwatch import Stopwatch
from bench.peers.task import (
    MEASUREMENTS,
    Outcome,
    Pass,
    Task,
    Windows,
    load_outcome,
    load_seen,
    save_outcome,
    save_seen,
    windows_file,
)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(
        bootstrap="127.0.0.1:1",
        name="peers-x",
        source="peers-x-measurements",
        directory=str(tmp_path),
        partitions=4,
        grid="grid.json",
        nodes=["a", "b"],
        ratings_mw=[100.0, 200.0],
        threshold=0.85,
        period_s=900,
        size_s=7200,
        step_s=3600,
        reach={"linear": {"a": [("a", 1.0), ("b", 0.25)], "b": [("b", 1.0)]}},
        measurements=3,
        updates={"linear": 4},
        first_end_s=7200,
        windows=3,
        frames=False,
    )


def test_a_task_reads_back_as_it_was_written(task: Task, tmp_path: Path):
    task.save(tmp_path / "task.json")
    read = Task.load(tmp_path / "task.json")
    assert [tuple(pair) for pair in read.reach["linear"]["a"]] == task.reach["linear"]["a"]
    assert replace(read, reach={}) == replace(task, reach={})


@pytest.mark.parametrize("load_mw", [84.9, 85.0, 91.3, 100.0, 123.456])
def test_stress_is_the_product_s_to_the_last_bit(task: Task, load_mw: float):
    expected = stress_of(np.array([load_mw]), np.array([100.0]), task.threshold, task.period_s)
    assert task.stress(load_mw, 100.0) == expected[0]


def test_windows_are_read_as_rows_of_nodes(task: Task):
    windows = Windows(task)
    windows.put("b", 7200, 0.5)
    windows.put("a", 14_400.0, 0.25)
    windows.put("a", 14_400.0, 0.75)  # the newest counts
    windows.save("linear")
    values = np.fromfile(windows_file(task, "linear")).reshape(3, 2)
    assert values.tolist() == [[0.0, 0.5], [0.0, 0.0], [0.75, 0.0]]


@pytest.mark.parametrize("end_s", [3600, 18_000])
def test_a_window_that_cannot_be_is_an_error(task: Task, end_s: float):
    with pytest.raises(ValueError, match="no measurement"):
        Windows(task).put("a", end_s, 1.0)


def test_an_outcome_reads_back_as_it_was_written(task: Task):
    outcome = Outcome([Pass(1.5, 3.5), Pass(4.0, 5.0, {MEASUREMENTS: 3, "linear": 4})])
    save_outcome(task, outcome)
    assert load_outcome(task) == outcome
    assert outcome.counted.seconds == 1.0


def test_when_the_results_of_a_row_were_seen_reads_back_as_it_was_written(task: Task):
    save_seen(task, {3600: 1.5, 7200: 2.5})
    assert load_seen(task) == {3600: 1.5, 7200: 2.5}


def test_the_watch_has_finished_when_measurements_and_updates_have_been_counted(task: Task):
    watch = Stopwatch.of(task)
    assert not watch.finished
    watch.counted(MEASUREMENTS, 3)
    watch.counted("linear", 2)
    assert not watch.finished
    watch.counted("linear", 2)
    assert watch.finished
    assert watch.outcome().counted.counts == {MEASUREMENTS: 3, "linear": 4}


def test_the_time_ends_with_what_was_counted_last(task: Task):
    watch = Stopwatch.of(task)
    assert watch.silent_s == 0
    watch.counted(MEASUREMENTS)
    watch.counted("linear")
    before = watch.outcome().counted.seconds
    assert watch.silent_s > 0
    assert watch.outcome().counted.seconds == before > 0


def test_the_last_result_of_a_row_counts(task: Task):
    watch = Stopwatch.of(task)
    for time_s in (3600.0, 7200.0, 3600.0):
        watch.counted("linear")
        watch.saw(time_s)
    assert list(watch.seen_s) == [3600, 7200]
    assert watch.seen_s[3600] == watch.outcome().counted.ended_s > watch.seen_s[7200]
