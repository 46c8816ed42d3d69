from bench.harness.case import Case
from bench.results.results import Results
from bench.results.tables import describe, rows, tables, target_rows

ABOUT = {
    "at": "2026-01-31T12:00:00+00:00",
    "commit": "abc1234",
    "machine": {"cores": 2},
    "versions": {"Python": "3.11"},
}


def test_a_case_is_described_by_what_is_unusual_in_it():
    assert describe(Case().to_dict()) == "refined-2000, rocksdb, apache"
    assert describe(Case(workers=2, span=48).to_dict()).endswith("2 workers, size/step 48")
    assert describe({**Case().to_dict(), "pace": "slow"}).endswith("apache, slow")
    assert describe({"grid": "germany", "peer": "plain"}) == "germany, plain"
    assert describe({}) == ""


def test_a_figure_of_one_run_has_no_spread():
    results = Results(ABOUT)
    results.add("rate", "x", "MB", {}, [12.0])
    results.add("rate", "y", "MB", {}, [12.0, 14.0, 13.0])
    assert rows(results)[0] == ["rate", "x", "", "12 MB", "", "", "1"]
    assert rows(results)[1] == ["rate", "y", "", "13 MB", "12", "14", "3"]


def test_targets_that_were_not_measured_are_not_shown():
    assert target_rows(Results(ABOUT)) == []
    assert tables(Results(ABOUT)) == []
