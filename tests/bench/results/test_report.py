from bench.harness.case import Case
from bench.results.report import case_names, markdown
from bench.results.results import Results
from tests.bench.results.test_tables import ABOUT


def test_cases_are_named_by_what_differs_between_them():
    cases = [Case(workers=n, role=role).to_dict() for role in ("all", "worker") for n in (1, 2)]
    assert case_names(cases) == [
        "workers 1, role all",
        "workers 2, role all",
        "workers 1, role worker",
        "workers 2, role worker",
    ]
    assert case_names([Case().to_dict(), Case("germany").to_dict()]) == ["refined-2000", "germany"]
    assert case_names([Case().to_dict()]) == ["refined-2000, rocksdb, apache"]


def test_the_report_tells_machine_versions_warnings_and_all_targets():
    results = Results(ABOUT, notes=["not idle"])
    results.add("rate", "node-measurements", "/s", Case().to_dict(), [950_000.0])
    text = markdown(results)
    for expected in ("2026-01-31, commit abc1234", "cores 2", "Python 3.11", "**not idle**"):
        assert expected in text
    assert "| 900,000 /s | 1,500,000 /s | 950,000 /s | reached |" in text
    assert "| 15 s | 10 s | not measured |  |" in text


def test_figures_of_a_part_stand_side_by_side_with_their_range():
    results = Results(ABOUT)
    for grid, rate in (("germany", 1.0), ("refined-2000", 5.0)):
        about = Case(grid).to_dict()
        results.add("rate", "node-measurements", "/s", about, [rate, rate + 2, rate + 1])
        results.add("rate", "peak RSS", "MB", about, [7.0])
    text = markdown(results)
    assert "|  | node-measurements, /s | peak RSS, MB |" in text
    assert "| germany | 2 (1 to 3) | 7 |" in text
    assert "| refined-2000 | 6 (5 to 7) | 7 |" in text


def test_start_up_times_are_a_list():
    results = Results(ABOUT)
    results.add("start", "gridstress --help", "s", {}, [0.2])
    results.add("start", "influence matrices built", "s", {"grid": "germany"}, [0.1, 0.3, 0.2])
    results.add("start", "influence matrices built", "s", {"grid": "refined-2000"}, [0.5])
    text = markdown(results)
    assert "| gridstress --help | 0.2 s |  |" in text
    assert "| influence matrices built, germany | 0.2 s | 0.1 to 0.3 |" in text


def test_two_workers_are_compared_with_one_for_each_role():
    results = Results(ABOUT)
    for role, count, used in (("all", 1, 2.0), ("all", 2, 3.0), ("worker", 1, 1.0)):
        case = Case(workers=count, role=role).to_dict()
        results.add("workers", "worker CPU", "µs each", case, [used])
    expected = "two workers together against one: 1.5 x (views in each worker, counted)."
    assert expected in markdown(results)
