from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.harness.process_usage import MACHINE, Sample, Samples
from bench.peers.equality import Verdict
from bench.peers.material import Material, material
from bench.peers.report_lines import line, live_line
from bench.peers.runner import BROKER, PEER, Place, Run
from bench.peers.task import MEASUREMENTS, Outcome, Pass
from gridstress.settings import Settings
from topology.loaders import load_grid

EQUAL = Verdict(compared=10, stressed=5, different=0, first="")
SAMPLES = Samples(
    [
        Sample(100.0, {PEER: 5}, {MACHINE: 0.0, PEER: 0.0, BROKER: 0.0}),
        Sample(110.0, {PEER: 7}, {MACHINE: 20.0, PEER: 10.0, BROKER: 5.0}),
        Sample(120.0, {PEER: 9}, {MACHINE: 40.0, PEER: 20.0, BROKER: 10.0}),
    ]
)


@pytest.fixture(scope="module")
def day() -> Material:
    return material(load_grid("germany"), Settings(_env_file=None), 24)


@pytest.fixture
def run(day: Material) -> Run:
    counts = {MEASUREMENTS: day.measurements, **day.updates}
    return Run(
        peer="faust",
        place=Place("germany", Path("grid.json"), "127.0.0.1:1", psutil.Process()),
        material=day,
        started_s=99.0,
        outcome=Outcome([Pass(101.0, 105.0, counts), Pass(110.0, 112.0, counts)]),
        samples=SAMPLES,
        verdict=EQUAL,
        sent_s={3600 * hour: 100.0 + hour for hour in range(10)},
        seen_s={3600 * hour: 100.25 + hour for hour in range(10)},
        log=Path("faust.log"),
    )


def test_the_last_pass_counts(run: Run):
    found = line(run)
    assert (found["peer"], found["form"], found["grid"]) == ("faust", "a record a node", "germany")
    assert (found["nodes"], found["rows"], found["node_measurements"]) == (57, 24, 24 * 57)
    assert (found["passes_s"], found["seconds"]) == ([4.0, 2.0], 2.0)
    assert found["node_measurements_per_s"] == 24 * 57 / 2.0
    assert (found["equal"], found["notes"]) == (True, [])


def test_processor_time_and_memory_are_those_up_to_its_end(run: Run):
    found = line(run)
    assert (found["peer_cpu_s"], found["broker_cpu_s"], found["foreign_cpu_s"]) == (2.0, 1.0, 1.0)
    assert found["peak_rss"] == 7
    assert found["startup_s"] == 2.0


def test_a_broker_that_is_not_ours_has_no_processor_time(run: Run):
    assert line(replace(run, place=replace(run.place, broker=None)))["broker_cpu_s"] is None


def test_a_live_run_has_latencies_and_the_pace_that_was_kept(run: Run):
    found = live_line(run, rows_per_s=1.1)
    assert (found["p50_ms"], found["p99_ms"], found["counted_rows"]) == (250.0, 250.0, 6)
    assert (found["wanted_rows_per_s"], found["rows_per_s"]) == (1.1, 1.0)


def test_what_was_lost_or_counted_twice_is_reported(run: Run, day: Material):
    counts = {MEASUREMENTS: day.measurements + 1, **day.updates}
    counts["linear"] -= 6
    wrong = replace(
        run,
        outcome=Outcome([Pass(101.0, 105.0, counts)]),
        verdict=replace(EQUAL, different=1, first="linear: a is wrong"),
    )
    found = line(wrong)
    assert not found["equal"]
    assert found["notes"] == [
        "+1 measurements against what was expected",
        "-6 linear against what was expected",
        "linear: a is wrong",
        "see faust.log",
    ]


def test_a_run_that_has_lost_something_is_not_equal_although_its_windows_are(
    run: Run, day: Material
):
    counts = {MEASUREMENTS: day.measurements - 1, **day.updates}
    found = line(replace(run, outcome=Outcome([Pass(101.0, 105.0, counts)])))
    assert not found["equal"]
    assert found["notes"] == ["-1 measurements against what was expected", "see faust.log"]


def test_updates_that_a_peer_does_not_count_are_not_lost(run: Run, day: Material):
    counts = {MEASUREMENTS: day.measurements}
    assert line(replace(run, outcome=Outcome([Pass(101.0, 105.0, counts)])))["equal"]


def test_a_stretch_without_stress_shows_nothing(run: Run):
    found = line(replace(run, verdict=replace(EQUAL, stressed=0)))
    assert (found["equal"], found["notes"][0]) == (
        False,
        "no window should have stress: nothing to compare",
    )
