"""SMARD's exports that are too coarse say so, and what to download instead."""

from pathlib import Path

import pytest

from gridstress.datasets.reading import read_load
from topology.errors import DataError

HEADS = {
    "de": "Datum von;Datum bis;Netzlast [MWh] Originalauflösungen",
    "older": "Datum;Anfang;Ende;Gesamt (Netzlast) [MWh] Originalauflösungen",
    "en": "Start date;End date;grid load [MWh] Original resolutions",
}


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("de", ["01.01.2017 00:00;x;1.135.124,50", "02.01.2017 00:00;x;1.135.124,50"]),
        ("de", ["01.01.2017;02.01.2017;1.135.124,50", "02.01.2017;03.01.2017;1.135.124,50"]),
        ("de", ["25.03.2017 00:00;x;1,5", "26.03.2017 00:00;x;1,5", "27.03.2017 00:00;x;1,5"]),
        ("de", ["01.01.2017 00:00;x;9.000.000", "01.02.2017 00:00;x;9.000.000"]),
        ("older", ["01.01.2017;00:00;24:00;1.135.124,50", "02.01.2017;00:00;24:00;1"]),
        ("en", ["Jan 1, 2017;Jan 2, 2017;1,135,124.50", "Jan 2, 2017;Jan 3, 2017;1"]),
        ("en", ["Jan 1, 2017 12:00 AM;x;1,135,124.50", "Jan 2, 2017 12:00 AM;x;1"]),
    ],
)
def test_an_export_of_days_is_refused_with_what_to_download(head, rows, tmp_path: Path) -> None:
    path = tmp_path / "smard.csv"
    path.write_text("\n".join([HEADS[head], *rows]) + "\n", "utf-8")
    with pytest.raises(DataError, match=r"row [23], .*an export of days") as error:
        read_load(path, "Amprion")
    assert "hour or quarter-hour" in error.value.hint


def test_an_impossible_year_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "smard.csv"
    rows = ["01.01.0001 00:00;x;1", "01.01.0001 01:00;x;1"]
    path.write_text("\n".join([HEADS["de"], *rows]) + "\n", "utf-8")
    with pytest.raises(
        DataError, match=r"row 2, .*'01\.01\.0001 00:00' is not of the years 1900 to 2199"
    ):
        read_load(path, "Amprion")
