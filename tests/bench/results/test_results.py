import json
from pathlib import Path
from typing import Any

import pytest

from bench.harness.case import Case
from bench.results.results import Results
from tests.bench.results.test_tables import ABOUT
from topology.errors import DataError

FIGURE = {"part": "rate", "name": "x", "unit": "s", "case": {}}


def test_a_book_reads_back_as_it_was_written(tmp_path: Path):
    results = Results(ABOUT, runs=[{"part": "rate"}], notes=["busy"])
    results.add("rate", "node-measurements", "1/s", Case().to_dict(), [3.0, 1.0, 2.0])
    results.write(tmp_path / "deep" / "result.json")
    read = Results.read(tmp_path / "deep" / "result.json")
    assert read.to_dict() == results.to_dict()
    assert read.figures[0].spread.median == 2.0


def test_a_figure_without_a_value_is_left_out():
    results = Results()
    results.add("rate", "x", "s", {}, [])
    assert results.figures == []


def test_a_figure_is_found_by_the_values_of_its_case():
    results = Results()
    results.add("rate", "x", "s", Case("germany").to_dict(), [1.0])
    results.add("rate", "x", "s", Case("pegase-9241").to_dict(), [2.0])
    found = results.find("rate", "x", grid="pegase-9241", workers=1)
    assert found is not None
    assert found.values == [2.0]
    assert results.find("rate", "x", grid="refined-2000") is None
    assert results.find("nodes", "x") is None


@pytest.mark.parametrize("content", [None, "no JSON", "{}", "[]"])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: str | None):
    file = tmp_path / "result.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(DataError, match=r"result\.json is no result"):
        Results.read(file)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"about": {}}, "about"),
        ({"figures": [{"part": "rate"}]}, "figures"),
        ({"figures": [{**FIGURE, "values": []}]}, "values"),
        ({"figures": [{**FIGURE, "values": ["fast"]}]}, "values"),
    ],
)
def test_a_result_that_lacks_something_is_refused_with_the_field(
    tmp_path: Path, changed: dict[str, Any], field: str
):
    file = tmp_path / "result.json"
    file.write_text(json.dumps({**Results(ABOUT).to_dict(), **changed}))
    with pytest.raises(DataError, match=rf"result\.json is no result .*{field}"):
        Results.read(file)
