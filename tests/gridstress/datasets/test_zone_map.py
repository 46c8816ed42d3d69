"""`--map`: zones of a load summed into, or renamed to, those of a grid."""

import shlex
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gridstress.datasets.fitting import fitted
from gridstress.datasets.mapping import Mapping
from gridstress.datasets.reading import read_load
from gridstress.datasets.series import NATIONAL
from gridstress.datasets.zone_map import check_targets, map_option, mapped, zone_map
from tests.gridstress.datasets.test_fitting import NAN, grid, series
from topology.errors import DataError, UsageError

OPSD = (
    "utc_timestamp,DE_load_actual_entsoe_transparency,DE_50hertz_load_actual_entsoe_transparency,"
    "DE_amprion_load_actual_entsoe_transparency\n"
    "2019-01-01T00:00:00Z,40,10,20\n2019-01-01T01:00:00Z,41,11,\n"
)


@pytest.fixture
def opsd(tmp_path: Path) -> Path:
    path = tmp_path / "opsd.csv"
    path.write_text(OPSD)
    return path


def test_options_name_the_grids_zone_of_each_zone() -> None:
    assert zone_map(["50Hertz, Amprion=south", "FR=a=b"]) == {
        "50Hertz": "south", "Amprion": "south", "FR=a": "b",
    }  # fmt: skip


@pytest.mark.parametrize("option", ["", "A", "A=", "=b", "A,=b", ",A=b"])
def test_an_option_without_a_side_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match="is not written ZONE,ZONE=ZONE"):
        zone_map([option])


def test_a_zone_in_two_options_is_refused() -> None:
    with pytest.raises(UsageError, match="zone 'A' twice"):
        zone_map(["A,B=x", "A=y"])


def test_zones_are_summed_and_those_without_a_name_left_out() -> None:
    made = mapped(series({"A": [1, 2], "B": [10, 20], "C": [5, 6], "D": [0, 0]}),
                  {"A": "x", "C": "y", "B": "x"}, "f")  # fmt: skip
    assert made.values.to_dict("list") == {"x": [11, 22], "y": [5, 6]}
    assert made.values.index.name == series({"A": [1, 2]}).values.index.name


def test_a_sum_that_lacks_a_part_is_missing() -> None:
    made = mapped(series({"A": [1, NAN, 3], "B": [10, 20, NAN]}), {"A": "x", "B": "x"}, "f")
    assert made.values["x"].isna().tolist() == [False, True, True]


def test_a_zone_may_have_its_own_name_or_a_publishers() -> None:
    given = series({"TenneT": [1, 1], "CTA|DE(Amprion)": [2, 2]})
    made = mapped(given, {"tennet": "x", "Amprion": "x"}, "f")
    assert made.values["x"].tolist() == [3, 3]


def test_a_zone_that_is_not_there_is_an_error_with_those_that_are() -> None:
    with pytest.raises(DataError, match=r"f: no zone 'C'.*there are A, B"):
        mapped(series({"A": [1, 1], "B": [1, 1]}), {"A": "x", "C": "x"}, "f")
    with pytest.raises(DataError, match=r"several zones 'TENNET'.*tennet, de\(tennet\)"):
        mapped(series({"tennet": [1, 1], "de(tennet)": [1, 1]}), {"TENNET": "x"}, "f")


def test_nothing_counts_twice() -> None:
    with pytest.raises(DataError, match="zone 'TenneT' twice"):
        mapped(series({"TenneT": [1, 1]}), {"TenneT": "x", "tennet": "y"}, "f")
    with pytest.raises(DataError, match="whole country and parts of it"):
        mapped(series({NATIONAL: [3, 3], "A": [1, 1]}), {"national": "x", "A": "y"}, "f")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DE", "50Hertz"),
        ("GB_UKM", "IE_sem"),
        ("IE", "IE_sem"),
        ("DE_LU", "LU"),
        ("NO", "NO_1"),
    ],
)
def test_zones_of_a_collection_that_have_load_in_common_are_refused(one: str, other: str) -> None:
    given = series({one: [1, 1], other: [1, 1]})
    names = {one: "x", other: "y"}
    with pytest.raises(DataError, match=f"f: {one} and {other} have load|{other} and {one} have"):
        mapped(replace(given, collection=True), names, "f")
    assert mapped(given, names, "f").zones == ("x", "y")


@pytest.mark.parametrize("zones", [("GB_GBN", "GB_NIR"), ("IE", "GB_UKM"), ("NO_1", "NO_2")])
def test_zones_of_a_collection_that_have_none_in_common_are_summed(zones: tuple[str, str]) -> None:
    given = replace(series({zone: [1, 1] for zone in zones}), collection=True)
    assert mapped(given, dict.fromkeys(zones, "x"), "f").values["x"].tolist() == [2, 2]


def test_zones_of_ones_own_may_begin_alike() -> None:
    given = series({"north": [1, 1], "north_east": [2, 2]})
    assert mapped(given, {"north": "A", "north_east": "A"}, "f").values["A"].tolist() == [3, 3]


def test_the_country_of_a_file_that_has_its_zones_is_read_on_request(opsd: Path) -> None:
    assert read_load(opsd).zones == ("DE", "50Hertz", "Amprion")
    assert read_load(opsd, zone="national").values.to_dict("list") == {"DE": [40, 41]}
    by_map = read_load(opsd, mapping=Mapping(zones={"national": "grid"}))
    assert by_map.values.to_dict("list") == {"grid": [40, 41]}


def test_the_country_and_a_part_of_it_are_refused_for_two_zones_of_the_grid(opsd: Path) -> None:
    with pytest.raises(DataError, match="have load in common"):
        read_load(opsd, mapping=Mapping(zones={"national": "A", "50Hertz": "B"}))


def test_a_zone_option_does_not_rename_what_the_file_names(tmp_path: Path) -> None:
    path = tmp_path / "national.csv"
    lines = OPSD.splitlines()
    path.write_text("\n".join(",".join(line.split(",")[:2]) for line in lines))
    for wrong in ("grid", "TenneT", "FR"):
        with pytest.raises(UsageError, match=f"no zone '{wrong}'; there are DE"):
            read_load(path, zone=wrong)
    chosen = read_load(path, zone="national")
    assert (chosen.values.to_dict("list"), chosen.whole) == ({"DE": [40, 41]}, True)


def test_the_file_beside_may_sum_and_the_option_replaces_it(opsd: Path) -> None:
    opsd.with_name("opsd.csv.mapping.toml").write_text(
        '[zones]\n"50Hertz" = "grid"\n"Amprion" = "grid"\n'
    )
    assert read_load(opsd).values["grid"].iloc[0] == 30
    assert pd.isna(read_load(opsd).values["grid"].iloc[1])
    assert read_load(opsd, mapping=Mapping(zones={"Amprion": "w"})).zones == ("w",)


def test_a_zone_is_named_before_it_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "smard.csv"
    path.write_text(
        "Datum von;Datum bis;Netzlast [MWh]\n01.01.2024 00:00;x;1\n01.01.2024 01:00;x;2\n", "utf-8"
    )
    made = read_load(path, zone="tennet", mapping=Mapping(zones={"TenneT": "grid"}))
    assert made.zones == ("grid",)


def test_a_zone_that_no_grid_zone_is_made_of_is_refused() -> None:
    check_targets({"A": "west", "C": "tennet"}, grid("west", "TenneT"))
    check_targets({"A": NATIONAL, "B": NATIONAL}, grid("west", "TenneT"))
    with pytest.raises(UsageError, match="makes zone 'wst'") as error:
        check_targets({"A": "wst"}, grid("west", "east"))
    assert error.value.hint.startswith("the grid has east, west")
    with pytest.raises(UsageError, match="makes zone 'DE'"):
        check_targets({"FR": "DE"}, grid("west", "east"))
    with pytest.raises(UsageError, match="makes zone 'national'"):
        check_targets({"A": "west", "B": NATIONAL}, grid("west", "east"))


def test_data_that_do_not_fit_show_the_option_that_makes_them_fit() -> None:
    given = series({"A": [1, 1], "B b": [2, 2]})
    with pytest.raises(DataError) as error:
        fitted(given, grid("only one"))
    option = error.value.hint.rpartition(": ")[2]
    assert option == map_option(["A", "B b"], "only one")
    flag, value = shlex.split(option)
    assert flag == "--map"
    assert fitted(mapped(given, zone_map([value]), "f"), grid("only one")).zones == ("only one",)
    with pytest.raises(DataError) as error:
        fitted(given, grid("north", "south"))
    assert "--map 'A,B b=north'" in error.value.hint
