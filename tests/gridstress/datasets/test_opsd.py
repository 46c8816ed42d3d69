"""A file of many countries and control zones, and the grids that take their loads from it."""

from pathlib import Path

import numpy as np
import pytest

from gridstress.datasets.fitting import fitted
from gridstress.datasets.reading import read_load
from gridstress.datasets.series import LoadSeries
from topology.errors import DataError, UsageError
from topology.grid import Grid, Node
from topology.loaders import load_grid

LOAD = "_load_actual_entsoe_transparency"
LOADS = {
    "AT": 7,
    "DE": 51,
    "DE_50hertz": 10,
    "DE_LU": 52,
    "DE_amprion": 19,
    "DE_tennet": 15,
    "DE_transnetbw": 6,
    "FR": 60,
    "GB_GBN": 33,
    "GB_UKM": 35,
    "NO": 14,
    "NO_1": 3,
}
CONTROL_ZONES = {"50Hertz": 10, "Amprion": 19, "TenneT": 15, "TransnetBW": 6}


def write(path: Path, names: list[str]) -> Path:
    head = ",".join(["utc_timestamp", "FR_solar_generation_actual", *(n + LOAD for n in names)])
    row = ",".join(["1", *(str(LOADS[name]) for name in names)])
    path.write_text(f"{head}\n2019-01-01T00:00:00Z,{row}\n2019-01-01T01:00:00Z,{row}\n")
    return path


@pytest.fixture
def europe(tmp_path: Path) -> Path:
    return write(tmp_path / "all.csv", list(LOADS))


def grid(*zones: str, **shares: float) -> Grid:
    nodes = tuple(Node(zone.lower(), zone, 0, 0, zone, 1.0, 1.0, 1.0) for zone in zones)
    return Grid("test", nodes, (), shares)


def first(series: LoadSeries) -> dict[str, float]:
    return {str(zone): float(mw) for zone, mw in series.values.iloc[0].items()}


def test_zones_are_called_as_the_columns_and_the_german_ones_as_in_the_grid(europe: Path) -> None:
    series = read_load(europe)
    assert first(series) == {
        **{name: mw for name, mw in LOADS.items() if not name.startswith("DE_")},
        **CONTROL_ZONES,
        "DE_LU": 52,
    }
    assert series.collection


def test_the_german_grid_gets_what_the_german_file_gave(europe: Path, tmp_path: Path) -> None:
    german = [name for name in LOADS if name.startswith("DE") and name != "DE_LU"]
    alone = read_load(write(tmp_path / "de.csv", german))
    germany = load_grid("germany")
    from_all = fitted(read_load(europe), germany)
    assert first(from_all) == first(fitted(alone, germany)) == CONTROL_ZONES
    assert from_all.values.equals(fitted(alone, germany).values)
    assert (from_all.source, from_all.credit) == (alone.source, alone.credit)


def test_britain_is_found_by_its_country_s_code(tmp_path: Path) -> None:
    series = read_load(write(tmp_path / "gb.csv", ["FR", "GB_GBN", "GB_UKM"]))
    assert first(fitted(series, grid("FR", "GB"))) == {"FR": 60, "GB": 35}
    assert first(fitted(series, grid("GB_GBN"))) == {"GB_GBN": 33}


def test_a_grid_of_countries_takes_theirs(europe: Path) -> None:
    found = fitted(read_load(europe), grid("FR", "DE", "AT", "XK"))
    assert first(found) == {"AT": 7, "DE": 51, "FR": 60}


def test_one_country_is_the_national_load_of_a_grid_that_has_other_zones(europe: Path) -> None:
    series = read_load(europe, "FR")
    assert first(series) == {"FR": 60}
    assert first(fitted(series, grid("north", "south", north=0.75, south=0.25))) == {
        "north": 45,
        "south": 15,
    }
    assert first(fitted(series, grid("all"))) == {"all": 60}


@pytest.mark.parametrize("name", ["DE", "national", "Germany"])
def test_one_country_of_a_grid_that_has_it_by_name_is_that_zone(europe: Path, name: str) -> None:
    series = read_load(europe, name)
    assert first(fitted(series, grid("FR", "DE"))) == {"DE": 51}
    germany = fitted(series, load_grid("germany"))
    assert set(germany.zones) == set(CONTROL_ZONES)
    assert sum(first(germany).values()) == pytest.approx(51)


def test_a_control_zone_is_chosen_by_any_of_its_names(europe: Path) -> None:
    for name in ("TenneT", "tennet", "CTA|DE(TenneT GER)"):
        assert first(fitted(read_load(europe, name), load_grid("germany"))) == {"TenneT": 15}


def test_a_zone_that_the_file_lacks_is_reported_with_those_it_has(europe: Path) -> None:
    with pytest.raises(UsageError, match=r"no zone 'XX'; there are AT, DE, .*, GB_UKM and 2 more"):
        read_load(europe, "XX")


def test_a_zone_is_found_in_other_case_and_by_its_country_s_code(europe: Path) -> None:
    assert read_load(europe, "fr").zones == ("FR",)
    assert read_load(europe, "GB").zones == ("GB_UKM",)
    assert first(fitted(read_load(europe, "GB"), grid("GB", "FR"))) == {"GB": 35}


def test_a_grid_of_which_the_file_has_nothing_is_an_error_with_both_lists(europe: Path) -> None:
    with pytest.raises(DataError) as error:
        fitted(read_load(europe), grid("west", "east"))
    assert str(error.value).startswith("opsd: no zone 'AT', 'DE', '50Hertz'")
    assert str(error.value).endswith("'GB_UKM' and 2 more in grid 'test', which has east, west")
    assert "--zone DE" in error.value.hint
    assert "--map AT,DE=east" in error.value.hint


def test_a_foreign_country_alone_is_the_load_of_any_grid_only_if_it_is_chosen(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "fr.csv", ["FR"])
    with pytest.raises(DataError, match="no zone 'FR' in grid 'test'") as error:
        fitted(read_load(path), grid("all"))
    assert "--zone FR makes it the load of the whole grid" in error.value.hint
    assert first(fitted(read_load(path, "FR"), grid("all"))) == {"all": 60}
    assert first(fitted(read_load(path), grid("FR", "all"))) == {"FR": 60}


def test_a_country_is_not_split_over_others(tmp_path: Path) -> None:
    path = write(tmp_path / "de.csv", ["DE"])
    others = grid("FR", "GB", FR=0.5, GB=0.5)
    with pytest.raises(DataError, match="no zone 'DE' in grid 'test'") as error:
        fitted(read_load(path), others)
    assert "--zone DE makes it" in error.value.hint
    assert first(fitted(read_load(path), grid("north", north=1))) == {"north": 51}
    assert first(fitted(read_load(path, "DE"), others)) == {"FR": 25.5, "GB": 25.5}


def test_a_control_zone_of_a_german_file_is_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "de.csv", ["DE", "DE_tennet", "DE_amprion"])
    assert first(fitted(read_load(path, "TenneT"), load_grid("germany"))) == {"TenneT": 15}
    assert first(fitted(read_load(path, "national"), grid("DE", "FR", DE=1, FR=1))) == {"DE": 51}


@pytest.mark.parametrize("zones", [("DE", "TenneT"), ("NO", "NO_1"), ("DE_LU", "DE")])
def test_a_country_beside_its_parts_is_refused(europe: Path, zones: tuple[str, str]) -> None:
    with pytest.raises(DataError, match="have load in common"):
        fitted(read_load(europe), grid(*zones))


def test_cells_are_read_as_in_any_other_file(europe: Path) -> None:
    text = europe.read_text().replace(",60,", ",n/e,", 1).replace(",33,", ',"1,033.5",', 1)
    europe.write_text(text)
    values = read_load(europe).values
    assert np.isnan(values["FR"].iloc[0])
    assert values["GB_GBN"].tolist() == [1033.5, 33]
    assert values["FR"].iloc[1] == 60


@pytest.mark.parametrize("cell", ["1e3", "1_000", "inf", "many", "1.234,5", "2000000"])
def test_what_is_no_load_is_an_error_that_names_its_cell(europe: Path, cell: str) -> None:
    europe.write_text(europe.read_text().replace(",60,", f',"{cell}",', 1))
    with pytest.raises(DataError) as error:
        read_load(europe)
    for part in ("row 2", f"'FR{LOAD}'", repr(cell)):
        assert part in str(error.value)


def test_a_time_that_is_there_twice_is_an_error(europe: Path) -> None:
    europe.write_text(europe.read_text() + europe.read_text().splitlines()[1] + "\n")
    with pytest.raises(DataError, match=r"row 4, column 'utc_timestamp': .* is there twice"):
        read_load(europe)


def test_a_national_series_of_a_country_alone_stays_national(tmp_path: Path) -> None:
    assert read_load(write(tmp_path / "de.csv", ["DE"])).is_national
