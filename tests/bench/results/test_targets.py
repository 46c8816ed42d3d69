import pytest

from bench.harness.case import Case
from bench.results.results import Results
from bench.results.targets import TARGETS, Verdict, judge

RATE, LATENCY = TARGETS[0], next(t for t in TARGETS if t.unit == "ms")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (700_000, "aim reached"),
        (300_000, "reached"),
        (125_000, "missed: 0.5 of the bound"),
        (None, ""),
    ],
)
def test_a_rate_is_to_be_reached(value: float | None, word: str):
    assert Verdict(RATE, value).word == word


@pytest.mark.parametrize(
    ("value", "word"),
    [(90, "aim reached"), (100, "aim reached"), (200, "reached"), (600, "missed: 2 of the bound")],
)
def test_a_latency_is_not_to_be_exceeded(value: float, word: str):
    assert Verdict(LATENCY, value).word == word


def test_ratios_are_between_medians_of_the_same_session():
    results = Results()
    for peer, rate in (("gridstress", 300_000.0), ("faust", 1500.0)):
        about = {"grid": "refined-2000", "peer": peer}
        results.add("peers", "node-measurements", "/s", about, [rate])
    for grid, cost in (("refined-2000", 2.0), ("pegase-9241", 2.5)):
        case = Case(grid).to_dict()
        results.add("nodes", "time", "µs each", case, [cost, cost, 99.0])
    found = {v.target.name: v.value for v in judge(results) if v.value is not None}
    assert found["against per-record Faust"] == 200
    assert found["time per node-measurement, 9,241 nodes against 2,000"] == 1.25
    assert len(found) == 2
