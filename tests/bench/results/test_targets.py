import pytest

from bench.harness.case import LARGE_GRID, Case
from bench.results.results import Results
from bench.results.targets import BUSY_LOOP, HALF_RATE, RECOVERED, TARGETS, Verdict, judge

RATE, LATENCY = TARGETS[0], next(t for t in TARGETS if t.unit == "ms")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (1_600_000, "aim reached"),
        (1_000_000, "reached"),
        (450_000, "missed: 0.5 of the bound"),
        (None, ""),
    ],
)
def test_a_rate_is_to_be_reached(value: float | None, word: str):
    assert Verdict(RATE, value).word == word


@pytest.mark.parametrize(
    ("value", "word"),
    [(39, "aim reached"), (40, "aim reached"), (90, "reached"), (200, "missed: 2 of the bound")],
)
def test_a_latency_is_not_to_be_exceeded(value: float, word: str):
    assert Verdict(LATENCY, value).word == word


def found(results: Results) -> dict[str, float]:
    return {v.target.name: v.value for v in judge(results) if v.value is not None}


def test_ratios_are_between_medians_of_the_same_session():
    results = Results()
    for peer, rate in (("gridstress", 900_000.0), ("quix", 9_000.0), ("plain", 1_800_000.0)):
        about = {"grid": "refined-2000", "peer": peer}
        results.add("peers", "node-measurements", "/s", about, [rate])
    for grid, cost in (("refined-2000", 2.0), ("pegase-9241", 2.5)):
        case = Case(grid).to_dict()
        results.add("rate", "time", "µs each", case, [cost, cost, 99.0])
    assert found(results) == {
        "the same on a typical stretch of the year": 900_000,
        "against Quix Streams, a message a node, typical stretch": 100,
        "share of the plain loop without Faust, state and changelog, typical stretch": 50,
        "time per node-measurement, 9,241 nodes against 2,000": 1.25,
    }


def test_two_workers_are_compared_without_the_views():
    results = Results()
    for role, count, used in (("all", 2, 9.0), ("worker", 1, 2.0), ("worker", 2, 2.1)):
        case = Case(workers=count, role=role).to_dict()
        results.add("workers", "worker CPU", "µs each", case, [used])
    assert found(results) == {
        "processor time, two workers together against one, views in a process of their own, "
        "not counted": 1.05
    }


def test_latency_is_judged_by_pace():
    results = Results()
    for pace, ms in ((HALF_RATE, 50.0), (BUSY_LOOP, 300.0)):
        results.add("latency", "p99", "ms", {**Case().to_dict(), "pace": pace}, [ms])
    assert found(results) == {
        "p99 latency at half the sustained rate": 50,
        "the same while a busy loop takes one of two cores": 300,
    }


def test_recovery_is_judged_by_the_95th_percentile_of_all_kills():
    results = Results()
    values = [float(n) for n in range(1, 21)]
    results.add("kills", RECOVERED, "s", Case().to_dict(), values)
    assert found(results) == {"recovery after SIGKILL under load, p95": 19}


def test_the_largest_grid_is_judged_by_its_memory():
    results = Results()
    for store, mb in (("memory", 900.0), ("rocksdb", 1_500.0)):
        results.add("large", "peak RSS", "MB", Case(LARGE_GRID, store).to_dict(), [mb])
    assert found(results) == {"peak RSS of a worker, 100,000 nodes, a day at full speed": 1_500}


def test_a_target_is_judged_by_its_own_case_alone():
    results = Results()
    results.add("large", "peak RSS", "MB", Case(LARGE_GRID, store="memory").to_dict(), [900.0])
    results.add("large", "peak RSS", "MB", Case(LARGE_GRID, broker="embedded").to_dict(), [900.0])
    results.add("up", "all healthy", "s", {"broker": "apache"}, [3.0])
    assert found(results) == {}
