"""Recognising formats, and errors that name file, row, column and value."""

from pathlib import Path

import numpy as np
import pytest

from gridstress.datasets.fitting import fitted
from gridstress.datasets.mapping import Mapping
from gridstress.datasets.reading import read_load, recognise
from gridstress.datasets.series import NATIONAL
from tests.gridstress.datasets.test_fitting import grid
from topology.errors import DataError, UsageError

OPSD_HEAD = "utc_timestamp,DE_solar_generation_actual,DE_50hertz_load_actual_entsoe_transparency\n"
SMARD_HEAD = "\ufeffDatum von;Datum bis;Netzlast [MWh] Originalauflösungen\n"
MTU_HEAD = '"MTU (CET/CEST)","Area","Actual Total Load (MW)"\n'
PLAIN_HEAD = "timestamp,zone,load_mw\n"


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "some.file"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_a_blank_in_opsd_is_missing_and_never_zero(write) -> None:
    path = write(OPSD_HEAD + "2019-01-01T00:00:00Z,1,\n2019-01-01T01:00:00Z,,5.5\n")
    values = read_load(path).values["50Hertz"]
    assert np.isnan(values.iloc[0])
    assert values.iloc[1] == 5.5


def test_a_platforms_file_is_measured_and_of_a_plain_one_it_is_not_known(write) -> None:
    rows = "2019-01-01T00:00:00Z,1,2\n2019-01-01T01:00:00Z,1,3\n"
    assert read_load(write(OPSD_HEAD + rows)).synthetic is False
    plain = read_load(write(PLAIN_HEAD + rows))
    assert plain.synthetic is None
    assert plain.between(None, plain.end).synthetic is None


def test_opsd_without_zone_columns_is_a_national_series(write) -> None:
    head = "utc_timestamp,DE_load_actual_entsoe_transparency\n"
    path = write(head + "2019-01-01T00:00:00Z,40000\n2019-01-01T01:00:00Z,41000\n")
    assert read_load(path).zones == ("DE",)
    assert read_load(path).is_national


def test_a_national_column_beside_its_regions_is_not_counted_twice(write) -> None:
    times = ("2024-01-01T00:00:00+01:00", "2024-01-01T01:00:00+01:00")
    rows = "".join(f"{z};{t};9\n" for z in ("France", "Bretagne") for t in times)
    path = write("Périmètre;Date et Heure;Consommation (MW)\n" + rows)
    assert read_load(path).zones == ("Bretagne",)
    assert read_load(path, "national").zones == (NATIONAL,)
    countries = grid("DE", "FR", DE=0.5, FR=0.5)
    assert fitted(read_load(path, "national"), countries).zones == ("FR",)
    assert fitted(read_load(path, "national"), grid("A", "B", A=1, B=1)).zones == ("A", "B")


def test_the_whole_country_of_smard_is_germany(write) -> None:
    path = write(SMARD_HEAD + "01.07.2024 00:00;x;1\n01.07.2024 01:00;x;1\n")
    countries = grid("DE", "FR", DE=0.5, FR=0.5)
    assert fitted(read_load(path, "national"), countries).zones == ("DE",)
    split = read_load(path, "national", Mapping(zones={"national": "national"}))
    assert fitted(split, countries).zones == ("DE", "FR")


def test_germany_stays_beside_other_countries_of_an_entsoe_file(write) -> None:
    head = '"MTU (UTC)","Area","Actual Total Load (MW)"\n'
    times = ("01/01/2024 00:00 - 01/01/2024 01:00", "01/01/2024 01:00 - 01/01/2024 02:00")
    rows = "".join(
        f'"{t}","{z}","9"\n' for z in ("FR", "BZN|DE-LU", "CTA|DE(50Hertz)") for t in times
    )
    series = read_load(write(head + rows))
    assert series.zones == ("FR", "DE", "50Hertz")
    assert series.collection
    assert not series.is_national


def test_a_missing_row_becomes_missing_values(write) -> None:
    rows = "".join(f"2019-01-01T{h:02}:00:00Z,Z,{h}\n" for h in (0, 1, 3))
    assert np.isnan(read_load(write(PLAIN_HEAD + rows)).values["Z"].iloc[2])


def test_smard_energy_in_quarters_is_mean_power(write) -> None:
    rows = "01.01.2024 00:00;x;2.500,25\n01.01.2024 00:15;x;2.500\n"
    series = read_load(write(SMARD_HEAD + rows), zone="tennet")
    assert series.values["TenneT"].tolist() == [10_001.0, 10_000.0]
    assert series.period_s == 900
    assert series.start.isoformat() == "2023-12-31T23:00:00+00:00"


def test_older_smard_with_date_and_time_apart_is_read(write) -> None:
    head = "Datum;Anfang;Ende;Gesamt (Netzlast) [MWh] Originalauflösungen\n"
    path = write(head + "01.07.2024;00:00;01:00;1.000\n01.07.2024;01:00;02:00;1.100\n")
    assert read_load(path, zone="national").values[NATIONAL].tolist() == [1000.0, 1100.0]


def test_smard_reads_the_grid_load_not_its_neighbours(write) -> None:
    head = (
        "Start date;End date;Grid load incl. hydro pumped storage [MWh] Calculated resolutions;"
        "Residual load [MWh] Calculated resolutions;grid load [MWh] Calculated resolutions\n"
    )
    rows = "Jan 1, 2024 12:00 AM;x;1;2;1,003\nJan 1, 2024 1:00 AM;x;1;2;1,004\n"
    assert read_load(write(head + rows), zone="Amprion").values["Amprion"].tolist() == [1003, 1004]


def test_smard_without_a_zone_says_how_to_name_it(write) -> None:
    with pytest.raises(UsageError, match="does not say which zone") as error:
        read_load(write(SMARD_HEAD + "01.01.2024 00:00;x;1\n01.01.2024 01:00;x;1\n"))
    assert "--zone" in error.value.hint


def test_a_zone_chooses_one_of_those_of_the_file(write) -> None:
    path = write(
        PLAIN_HEAD + "2024-01-01T00:00Z,A,1\n2024-01-01T01:00Z,A,2\n2024-01-01T01:00Z,B,1\n"
    )
    assert read_load(path, zone="A").values.to_dict("list") == {"A": [1, 2]}
    assert read_load(path, zone="a").whole
    with pytest.raises(UsageError, match="no zone 'C'; there are A, B"):
        read_load(path, zone="C")
    path = write(PLAIN_HEAD + "2024-01-01T00:00Z,A,1\n2024-01-01T01:00Z,A,1\n")
    with pytest.raises(UsageError, match="no zone 'C'; there are A"):
        read_load(path, zone="C")
    assert read_load(path, zone="national").whole


def test_the_bidding_zone_is_national_and_with_austria_it_is_not(write) -> None:
    head = '"MTU (UTC)","Area","Actual Total Load (MW)"\n'
    rows = '"01/01/2024 00:00 - 01/01/2024 00:15","{0}","1"\n"01/01/2024 00:15 - x","{0}","2"\n'
    for name in ("BZN|DE-LU", "DE_LU", "Germany (DE)"):
        series = read_load(write(head + rows.format(name)))
        assert (series.zones, series.is_national) == (("DE",), True)
    series = read_load(write(head + rows.format("BZN|DE-AT-LU")))
    assert (series.zones, series.is_national) == (("DE-AT-LU",), False)


def test_the_older_export_named_its_wall_clock_cet(write) -> None:
    head = '"Time (CET)","Actual Total Load [MW] - Germany (DE)"\n'
    rows = '"01.07.2019 02:00 - 01.07.2019 03:00","1"\n"01.07.2019 03:00 - 01.07.2019 04:00","2"\n'
    assert read_load(write(head + rows)).start.isoformat() == "2019-07-01T00:00:00+00:00"


def test_a_file_with_its_newest_row_first_knows_its_autumn_hours(write) -> None:
    hours = ["27.10.2024 03:00", "27.10.2024 02:00", "27.10.2024 02:00", "27.10.2024 01:00"]
    rows = "".join(f"{hour};x;{i}\n" for i, hour in enumerate(hours))
    series = read_load(write(SMARD_HEAD + rows), zone="Amprion")
    assert series.values["Amprion"].tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("text", "zone", "names"),
    [
        (
            OPSD_HEAD + "2019-01-01T00:00:00Z,1,2\n2019-01-01T01:00:00Z,,5,5\n",
            None,
            ["row 3", "4 cells", "3"],
        ),
        (
            OPSD_HEAD + "2019-01-01T00:00:00Z,1,2\nyesterday,,5\n",
            None,
            ["row 3", "'utc_timestamp'", "'yesterday'"],
        ),
        (
            OPSD_HEAD + "2019-01-01T00:00:00Z,1,many\n",
            None,
            ["row 2", "'DE_50hertz_load_actual_entsoe_transparency'", "'many'"],
        ),
        (
            SMARD_HEAD + "01.01.2024 00:00;x;1234.5\n",
            "Amprion",
            ["row 2", "'Netzlast [MWh] Originalauflösungen'", "'1234.5'", "1.234,50"],
        ),
        (
            SMARD_HEAD + "31.03.2024 01:00;x;1\n\n31.03.2024 02:00;x;1\n",
            "Amprion",
            ["row 4", "'Datum von'", "'31.03.2024 02:00'", "put forward"],
        ),
        (
            SMARD_HEAD + "27.10.2024 02:00;x;1\n27.10.2024 03:00;x;1\n",
            "Amprion",
            ["row 2", "'27.10.2024 02:00'", "1 times", "twice"],
        ),
        (
            SMARD_HEAD + "2024-01-01;x;1\n",
            "Amprion",
            ["row 2", "'Datum von'", "'2024-01-01'", "31.12.2019 23:45"],
        ),
        (
            MTU_HEAD + '"32/01/2024 00:00 - x","BZN|DE-LU","1"\n',
            None,
            ["row 2", "'MTU (CET/CEST)'", "'32/01/2024 00:00 - x'"],
        ),
        (
            PLAIN_HEAD + "2024-01-01T00:00Z,Z,1\n2024-01-01T01:00Z,Z,1e9\n",
            None,
            ["row 3", "'load_mw'", "'1e9'"],
        ),
        (
            PLAIN_HEAD + "2024-01-01T00:00Z,Z,1\n2024-01-01T01:00Z,Z,9000000\n",
            None,
            ["row 3", "'load_mw'", "'9000000'", "1,000,000"],
        ),
        (
            PLAIN_HEAD + "2024-01-01T00:00Z,Z,1\n2024-01-01T01:00Z,Z,1\n2024-01-01T01:00Z,Z,1\n",
            None,
            ["row 4", "'timestamp'", "'2024-01-01T01:00Z'", "twice", "'Z'"],
        ),
        (
            PLAIN_HEAD + "".join(f"2024-01-01T{t}Z,Z,1\n" for t in ("00:00", "01:00", "02:07")),
            None,
            ["row 4", "grid of 3600 s", "02:07"],
        ),
        (PLAIN_HEAD + "2024-01-01T00:00Z,,1\n", None, ["row 2", "'zone'", "''"]),
        (PLAIN_HEAD + "2024-01-01T00:00Z,Z,1\n", None, ["1 rows", "at least two"]),
        (PLAIN_HEAD, None, ["0 rows", "at least two"]),
        (
            PLAIN_HEAD + "".join(f"2024-01-{d:02}T00:00Z,Z,1\n" for d in (1, 2, 3)),
            None,
            ["every 86400 s"],
        ),
        (
            PLAIN_HEAD
            + "".join(
                f"{t}T0{h}:00Z,Z,1\n" for t in ("1024-01-01", "2024-01-01") for h in range(3)
            ),
            None,
            ["1024-01-01", "2024-01-01", "wrong"],
        ),
        ("time,value\n1,2\n", None, ["row 1", "'time,value'"]),
        ("", None, ["row 1"]),
        (PLAIN_HEAD + '2024-01-01T00:00Z,Z,"1\n', None, ["row"]),
    ],
)
def test_an_error_names_file_row_column_and_value(write, text, zone, names) -> None:
    path = write(text)
    with pytest.raises(DataError) as error:
        read_load(path, zone=zone)
    message = str(error.value)
    assert "\n" not in message
    for name in [str(path), *names]:
        assert name in message


def test_text_in_another_encoding_is_refused_with_what_to_do(write) -> None:
    path = write(SMARD_HEAD.removeprefix("\ufeff") + "01.01.2024 00:00;x;1\n", "cp1252")
    with pytest.raises(DataError, match="not UTF-8") as error:
        read_load(path, zone="Amprion")
    assert "UTF-8" in error.value.hint


def test_a_file_that_is_not_there_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        recognise(tmp_path / "nothing.csv")


def test_a_folder_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="directory"):
        recognise(tmp_path)


def test_the_real_opsd_extract_reads_complete() -> None:
    path = Path(__file__).parents[4] / "shared" / "data" / "opsd_DE_2019.csv"
    if not path.exists():
        pytest.skip(f"no OPSD extract beside the checkout ({path})")
    series = read_load(path)
    areas = ("50Hertz", "Amprion", "TenneT", "TransnetBW")
    assert series.zones == ("DE", *areas)
    assert len(series.values) == 8760
    assert not list(series.gaps())
    assert series.values.iloc[0].tolist() == [42976, 8880, 15331, 13724, 5041]
    assert fitted(series, grid(*areas)).zones == areas


def test_two_areas_called_alike_are_told_apart(write) -> None:
    head = '"MTU (UTC)","Area","Actual Total Load (MW)"\n'
    times = ("01/01/2024 00:00 - 01/01/2024 01:00", "01/01/2024 01:00 - 01/01/2024 02:00")
    areas = {"CTY|DE": 50, "BZN|DE-LU": 51}
    rows = "".join(f'"{t}","{area}","{mw}"\n' for area, mw in areas.items() for t in times)
    series = read_load(write(head + rows))
    assert series.zones == ("DE", "DE-LU")
    assert fitted(series, grid("DE")).values.iloc[0].to_dict() == {"DE": 50}


@pytest.mark.parametrize(("zone", "grid_zone"), [("GB", "GB"), ("GB", "north"), (None, "north")])
def test_the_load_of_a_country_is_called_by_its_code_too(write, zone, grid_zone) -> None:
    path = write("SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND\n2024-01-01,1,30\n2024-01-01,2,31\n")
    found = fitted(read_load(path, zone), grid(grid_zone))
    assert found.values.iloc[0].to_dict() == {grid_zone: 30}
    with pytest.raises(UsageError, match="no zone 'DE'"):
        read_load(path, "DE")
