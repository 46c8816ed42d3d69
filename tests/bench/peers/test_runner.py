from dataclasses import replace

import pytest

from bench.peers.equality import Verdict
from bench.peers.material import Material, material
from bench.peers.runner import line
from bench.peers.task import MEASUREMENTS, Outcome
from gridstress.settings import Settings
from topology.loaders import load_grid

EQUAL = Verdict(compared=10, stressed=5, different=0, first="")


@pytest.fixture(scope="module")
def day() -> Material:
    return material(load_grid("germany"), Settings(_env_file=None), 24)


def counted(day: Material) -> Outcome:
    return Outcome(2.0, 1.0, {MEASUREMENTS: day.measurements, **day.updates})


def test_the_rate_is_measurements_a_second(day: Material):
    output = line("faust", "germany", day, counted(day), EQUAL)
    assert output["node_measurements"] == 24 * 57
    assert output["node_measurements_per_s"] == 24 * 57 / 2.0
    assert (output["peer"], output["grid"], output["nodes"], output["rows"]) == (
        "faust",
        "germany",
        57,
        24,
    )
    assert (output["seconds"], output["cpu_s"], output["equal"], output["notes"]) == (
        2.0,
        1.0,
        True,
        [],
    )


def test_what_was_lost_or_counted_twice_is_reported(day: Material):
    outcome = counted(day)
    outcome.counts["linear"] -= 6
    outcome.counts[MEASUREMENTS] += 1
    wrong = replace(EQUAL, different=1, first="linear: a is wrong")
    output = line("faust", "germany", day, outcome, wrong)
    assert not output["equal"]
    assert output["notes"] == [
        "+1 measurements against what was expected",
        "-6 linear against what was expected",
        "linear: a is wrong",
    ]
