"""Excel workbooks: what a publisher's CSV says is read from its sheet, with typed cells or text."""

import datetime as dt
import re
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstress.datasets.mapping import Mapping
from gridstress.datasets.reading import read_load
from tests.gridstress.datasets import test_published, test_round_trips
from tests.support.workbooks import Cell, workbook
from topology.errors import DataError

HOUR = pd.Timedelta("1h")
TITLES: list[list[Cell]] = [["Realisierter Stromverbrauch"], [], ["Quelle", "x"], []]


def rows_of(text: str, delimiter: str, language: str, *, dates: str = "") -> list[list[Cell]]:
    """Cells of a CSV text, numbers as numbers, and dates, too, if their form is given."""
    rows: list[list[Cell]] = []
    for line in text.removeprefix("\ufeff").splitlines():
        rows.append([cell_of(c.strip('"'), language, dates) for c in re.split(delimiter, line)])
    return rows


def cell_of(text: str, language: str, dates: str) -> Cell:
    if dates:
        try:
            return dt.datetime.strptime(text, dates)  # noqa: DTZ007
        except ValueError:
            pass
    plain = text.replace(".", "").replace(",", ".") if language == "de" else text.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        return text or None


OUTSIDE_QUOTES = r',(?=(?:[^"]*"[^"]*")*[^"]*$)'
WRITERS = {
    "SMARD in German": (
        lambda v: rows_of(test_round_trips.smard(v[["50Hertz"]], HOUR, "de"), ";", "de"),
        "50Hertz",
    ),
    "SMARD in German, saved with dates": (
        lambda v: rows_of(
            test_round_trips.smard(v[["50Hertz"]], HOUR, "de"), ";", "de", dates="%d.%m.%Y %H:%M"
        ),
        "50Hertz",
    ),
    "SMARD in English": (
        lambda v: rows_of(test_round_trips.smard(v[["50Hertz"]], HOUR, "en"), ";", "en"),
        "50Hertz",
    ),
    "ENTSO-E in UTC": (
        lambda v: rows_of(test_round_trips.entsoe(v, HOUR, "UTC"), OUTSIDE_QUOTES, "en"),
        None,
    ),
    "ENTSO-E on the wall clock": (
        lambda v: rows_of(test_round_trips.entsoe(v, HOUR, "Europe/Berlin"), OUTSIDE_QUOTES, "en"),
        None,
    ),
    "older ENTSO-E": (
        lambda v: rows_of(test_round_trips.old_entsoe(v, HOUR), OUTSIDE_QUOTES, "en"),
        None,
    ),
    "EIA-930, saved with dates": (
        lambda v: rows_of(
            test_published.eia(v, HOUR), OUTSIDE_QUOTES, "en", dates="%m/%d/%Y %I:%M:%S %p"
        ),
        None,
    ),
}


@pytest.mark.parametrize("titles", [[], TITLES], ids=["from row 1", "below titles"])
@pytest.mark.parametrize("start", [test_round_trips.SPRING, test_round_trips.AUTUMN])
@pytest.mark.parametrize("name", WRITERS)
def test_a_sheet_reads_back_over_a_clock_change(
    name: str, start: pd.Timestamp, titles: list[list[Cell]], tmp_path: Path
) -> None:
    write, zone = WRITERS[name]
    values = test_round_trips.series(start, 12, HOUR)
    values.iloc[[1, 4]] = np.nan
    path = tmp_path / "a name that says nothing"
    path.write_bytes(workbook({"Daten": [*titles, *write(values)]}))
    read = read_load(path, zone)
    pd.testing.assert_frame_equal(
        read.values, values[[zone]] if zone else values, check_freq=False, check_names=False,
        check_index_type=False, rtol=1e-12,
    )  # fmt: skip


def test_the_sheet_with_the_data_is_found_and_hidden_ones_are_not_read(tmp_path: Path) -> None:
    data = [["timestamp", "zone", "load_mw"], ["2024-01-01T00:00Z", "a", 1.5],
            ["2024-01-01T01:00Z", "a", 2]]  # fmt: skip
    path = tmp_path / "x.xlsx"
    path.write_bytes(workbook({"Info": [["read me"]], "Data": data}))
    assert read_load(path).values["a"].tolist() == [1.5, 2]
    path.write_bytes(workbook({"Info": [["read me"]], "Data": data}, hidden=["Data"]))
    with pytest.raises(DataError, match="row 1 is not the header"):
        read_load(path)


def test_a_midnight_and_a_time_of_its_own_are_read_to_the_second(tmp_path: Path) -> None:
    day = dt.datetime.fromisoformat("2024-01-01")
    times = [day + dt.timedelta(minutes=15 * i) for i in range(200)]
    path = tmp_path / "x.xlsx"
    path.write_bytes(workbook({"D": [["t", "MW"], *([t, float(i)] for i, t in enumerate(times))]}))
    read = read_load(path, "a", Mapping(time_column=("t",), value_column="MW", timezone="+01:00"))
    assert read.period_s == 900
    assert read.values["a"].tolist() == list(range(200))
    assert read.start.isoformat() == "2023-12-31T23:00:00+00:00"


def table(*rows: list[Cell]) -> bytes:
    return workbook({"Data": [["timestamp", "zone", "load_mw"], *rows]})


def below(cells: str) -> bytes:
    """A table with one more row, of these cells."""
    head: list[Cell] = ["timestamp", "zone", "load_mw"]
    rows: list[list[Cell]] = [head, *([f"2024-01-01T0{h}:00Z", "a", 1.0] for h in (0, 1))]
    begin = '<row r="4"><c r="A4" t="str"><v>2024-01-01T02:00Z</v></c>'
    return workbook({"Data": rows}, more=f'{begin}<c r="B4" t="str"><v>a</v></c>{cells}</row>')


def test_an_error_for_not_available_is_missing_and_a_formula_has_its_result(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(below('<c r="C4" t="e"><v>#N/A</v></c>'))
    assert np.isnan(read_load(path).values["a"].iloc[2])
    path.write_bytes(below('<c r="C4"><f>1+1</f><v>2</v></c>'))
    assert read_load(path).values["a"].iloc[2] == 2


LAST = '<row r="{0}"><c r="{1}{0}"><v>1</v></c></row>'


def archive(name: str, size: int = 1) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, b" " * size)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (table(["2024-01-01T00:00Z", "a", "many"]), ["row 2", "'load_mw'", "'many'"]),
        (table(["2024-01-01T00:00Z", "a", 1e7]), ["row 2", "beyond 1,000,000"]),
        (table(["2024-01-01T00:00Z", "a", 1.0, "x"]), ["'Data'", "row 2", "beyond the header"]),
        (table([45000.5, "a", 1.0]), ["row 2", "'timestamp'", "'45000.5'"]),
        (workbook({"Data": []}), ["without a row"]),
        (below('<c r="C4" t="e"><v>#REF!</v></c>'), ["cell C4 has an Excel error"]),
        (below('<c r="C4"><f>1+1</f></c>'), ["cell C4 has a formula without its result"]),
        (archive("load.csv"), ["ZIP archive"]),
        (b"PK\x03\x04 and then nothing", ["not an Excel workbook"]),
        (table()[:-40], ["not an Excel workbook"]),
        (archive("xl/workbook.xml"), ["not an Excel workbook"]),
        (archive("xl/workbook.xml", (1 << 28) + 1), ["268,435,456 bytes"]),
        (
            workbook({"D": [["a"]]}, more=LAST.format(1048576, "XFD")),
            ["1,048,576 rows and 16,384 columns"],
        ),
        (workbook({"D": [["a"]]}, more=LAST.format(99999999, "A")), ["no sheet has"]),
        (workbook({"D": [["a"]]}, more=LAST.format("&#57;9999999", "A")), ["no sheet has"]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ["old form (.xls)"]),
    ],
)
def test_a_workbook_that_cannot_be_used_is_refused(data, names, tmp_path: Path) -> None:
    path = tmp_path / "load.xlsx"
    path.write_bytes(data)
    with pytest.raises(DataError) as error:
        read_load(path)
    assert "\n" not in str(error.value)
    for name in [str(path), *names]:
        assert name in str(error.value)
