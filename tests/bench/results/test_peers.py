from bench.results.peers import GRIDSTRESS, PART, UNITS, peer_table
from bench.results.report import markdown
from bench.results.results import Results
from tests.bench.results.test_tables import ABOUT


def measured() -> Results:
    results = Results(ABOUT)
    for peer, form, rates in (
        (GRIDSTRESS, "frames", [900.0, 1100.0, 1000.0]),
        ("quix", "a record a node", [10.0, 30.0, 20.0]),
        ("plain", "frames", [4000.0]),
    ):
        about = {"grid": "refined-2000", "peer": peer, "form": form}
        results.add(PART, "node-measurements", "/s", about, rates)
        results.add(PART, "p99", "ms", about, [7.0, 9.0, 8.0])
    return results


def test_a_row_a_peer_the_fastest_first_and_how_it_compares_with_gridstress():
    columns, rows = peer_table(measured())
    assert columns[:3] == ["", "input", "node-measurements, /s"]
    assert columns[-2:] == ["lines", "gridstress is"]
    assert [(row[0], row[1], row[2], row[-1]) for row in rows] == [
        ("plain", "frames", "4,000", "0.25 times as fast"),
        (GRIDSTRESS, "frames", "1,000 (900 to 1,100)", ""),
        ("quix", "a record a node", "20 (10 to 30)", "50 times as fast"),
    ]
    assert rows[2][2 + list(UNITS).index("p99")] == "8"


def test_a_peer_whose_results_were_not_equal_has_no_row():
    results = measured()
    results.add(PART, "node-measurements", "/s", {"grid": "refined-2000", "peer": "faust"}, [])
    assert [row[0] for row in peer_table(results)[1]] == ["plain", GRIDSTRESS, "quix"]


def test_the_report_has_the_table():
    assert "| quix | a record a node | 20 (10 to 30) |" in markdown(measured())
