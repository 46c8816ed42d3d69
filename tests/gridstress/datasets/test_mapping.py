"""Mappings: what the user says of a file's columns, by options and in the file beside it."""

from pathlib import Path

import pytest

from gridstress.datasets.mapping import Mapping
from gridstress.datasets.reading import read_load
from topology.errors import DataError, UsageError

TABLE = "when;who;kW\n2024-01-01 00:00;a;1000\n2024-01-01 01:00;a;2000\n"
SAID = 'time_column = "when"\nvalue_column = "kW"\nzone_column = "who"\nunit = "kW"\n'
UTC = 'timezone = "UTC"\n'


@pytest.fixture
def table(tmp_path: Path):
    def table(text: str = TABLE, said: str | None = None) -> Path:
        path = tmp_path / "load.csv"
        path.write_text(text, "utf-8")
        if said is not None:
            (tmp_path / "load.csv.mapping.toml").write_text(said, "utf-8")
        return path

    return table


def test_the_mapping_beside_a_file_is_found(table) -> None:
    read = read_load(table(said=SAID + UTC))
    assert read.values["a"].tolist() == [1, 2]
    assert read.start.isoformat() == "2024-01-01T00:00:00+00:00"
    assert read.synthetic is None


@pytest.mark.parametrize("said", ['"a" = ""', '"" = "a"'])
def test_a_zone_without_a_name_is_refused(table, said: str) -> None:
    with pytest.raises(DataError, match=r"\[zones\] has no name on one side of"):
        read_load(table(said=SAID + UTC + "[zones]\n" + said))


def test_an_option_goes_before_the_file_beside(table) -> None:
    path = table(said=SAID + UTC)
    read = read_load(path, mapping=Mapping(timezone="+01:00", interval_end=True))
    assert read.start.isoformat() == "2023-12-31T22:00:00+00:00"
    assert read.values["a"].tolist() == [1, 2]
    assert read_load(path, mapping=Mapping(interval_end=False)).start.hour == 0


def test_date_and_time_may_be_two_columns(table) -> None:
    text = "day,hour,MW\n2024-01-01,00:00,1\n2024-01-01,01:00,2\n"
    said = 'time_column = ["day", "hour"]\nvalue_column = "MW"\nzone = "a"\n' + UTC
    assert read_load(table(text, said)).values["a"].tolist() == [1, 2]


def test_zones_are_chosen_and_named(table) -> None:
    text = TABLE + "2024-01-01 00:00;b;1\n2024-01-01 01:00;b;1\n"
    read = read_load(table(text, SAID + UTC + '[zones]\n"a" = "north"\n'))
    assert read.values["north"].tolist() == [1, 2]
    with pytest.raises(DataError, match=r"no zone 'c'.*a, b"):
        read_load(table(text, SAID + UTC + '[zones]\n"c" = "north"\n'))
    summed = read_load(table(text, SAID + UTC + '[zones]\na = "n"\nb = "n"\n'))
    assert summed.values["n"].tolist() == [1.001, 2.001]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("time_colum = 'x'", ["no setting 'time_colum'", "time_column"]),
        ("time_column = 3", ["Expected `array | null`, got `int`", "$.time_column"]),
        ("time_column = [1]", ["time_column"]),
        ("time_column = []", ["time_column"]),
        ("interval_end = 'yes'", ["Expected `bool | null`, got `str`", "$.interval_end"]),
        ("zones = {a = 1}", ["zones"]),
        ("unit = 'MJ'", ["Invalid enum value 'MJ'", "$.unit"]),
        ("timezone = 'Mars'", ["no time zone 'Mars'", "Europe/Paris"]),
        ("timezone = '+99:00'", ["+99:00"]),
        ("timezone = '../../etc'", ["no time zone"]),
        ("time_format = '%d/%m'", ["'%d/%m' is not a format"]),
        ("time_format = '%Q'", ["'%Q' is not a format"]),
        ("= 'x'", ["not a mapping that can be read"]),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_its_place(table, said, names) -> None:
    path = table(said=said)
    with pytest.raises(DataError) as error:
        read_load(path)
    text = f"{error.value} {error.value.hint}"
    for name in [f"{path}.mapping.toml", *names]:
        assert name in text


@pytest.mark.parametrize(
    ("text", "mapping", "names"),
    [
        (TABLE, {"value_column": "MW"}, ["row 1 has no column 'MW'", "'when', 'who', 'kW'"]),
        (TABLE, {}, ["row 2", "'2024-01-01 00:00'", "which time zone", "--timezone"]),
        (
            TABLE.replace("2024-01-01 01", "01/02/2024 01"),
            {"timezone": "UTC"},
            ["row 3", "'01/02/2024 01:00'", "--time-format"],
        ),
        (TABLE.replace("2000", "2.000,5"), {"timezone": "UTC"}, ["row 3", "'2.000,5'"]),
        (TABLE.replace("2000", "2e3"), {"timezone": "UTC"}, ["row 3", "'2e3'"]),
        (
            TABLE.replace("2000", "1000000001"),
            {"timezone": "UTC"},
            ["row 3", "beyond 1,000,000,000"],
        ),
        (
            TABLE.replace("01:00", "00:00:00.5"),
            {"timezone": "UTC"},
            ["row 3", "parts of a second"],
        ),
        (
            TABLE.replace("2024-01-01", "2024-03-31").replace("01:00", "02:30"),
            {"timezone": "Europe/Berlin"},
            ["row 3", "put forward"],
        ),
    ],
)
def test_nothing_is_guessed(table, text, mapping, names) -> None:
    said = {"time_column": ("when",), "value_column": "kW", "zone_column": "who", "unit": "kW"}
    with pytest.raises(DataError) as error:
        read_load(table(text), mapping=Mapping(**(said | mapping)))
    for name in names:
        assert name in f"{error.value} {error.value.hint}"


def test_the_end_of_the_hour_before_the_clocks_go_forward_has_either_label(table) -> None:
    said = Mapping(
        time_column=("when",), value_column="kW", zone_column="who",
        timezone="Europe/Berlin", interval_end=True,
    )  # fmt: skip
    for label in ("02:00", "03:00"):
        text = f"when,who,kW\n2024-03-31 01:00,a,1\n2024-03-31 {label},a,2\n2024-03-31 04:00,a,3\n"
        read = read_load(table(text), mapping=said)
        assert read.values["a"].tolist() == [1, 2, 3]
        assert read.start.isoformat() == "2024-03-30T23:00:00+00:00"


def test_a_part_of_a_mapping_does_not_go_with_a_format_of_its_own(table) -> None:
    path = table("timestamp,zone,load_mw\n2024-01-01T00:00Z,a,1\n2024-01-01T01:00Z,a,1\n")
    with pytest.raises(UsageError, match="read as it is") as error:
        read_load(path, mapping=Mapping(unit="GW"))
    assert "--time-column" in error.value.hint


def test_a_folder_has_no_mapping_beside_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="directory"):
        read_load(Path())
    with pytest.raises(DataError, match="File name too long"):
        read_load(Path("x" * 250))


def test_an_unknown_file_says_that_its_columns_can_be_named(table) -> None:
    with pytest.raises(DataError, match="row 1 is not the header") as error:
        read_load(table())
    assert "--time-column" in error.value.hint
