from pathlib import Path

import pytest

from gridstress.datasets import catalog
from gridstress.datasets.catalog import open_load
from gridstress.datasets.mapping import Mapping
from topology.errors import DataError, UsageError


@pytest.fixture(autouse=True)
def _an_empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalog, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)


def test_the_bundled_year_opens_by_name() -> None:
    assert len(open_load("synthetic").values) == 8760


def test_a_file_goes_before_a_data_set_of_that_name(tmp_path: Path) -> None:
    rows = "timestamp,zone,load_mw\n2024-01-01T00:00Z,A,1\n2024-01-01T01:00Z,A,1\n"
    (tmp_path / "synthetic").write_text(rows)
    assert open_load("synthetic").zones == ("A",)


def test_a_folder_with_the_name_of_a_data_set_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "synthetic").mkdir()
    (tmp_path / "opsd").mkdir()
    assert catalog.is_bundled("synthetic")
    assert len(open_load("synthetic").values) == 8760
    assert catalog.file_of("opsd") == tmp_path / "cache" / "opsd_load_60min.csv"
    with pytest.raises(DataError, match="opsd: not fetched yet"):
        open_load("opsd")
    with pytest.raises(DataError, match="not a file, but a directory"):
        open_load(str(tmp_path / "opsd"))


def test_what_is_not_fetched_says_how_to_fetch_it() -> None:
    with pytest.raises(DataError) as error:
        open_load("opsd")
    assert error.value.hint == "gridstress data fetch opsd"
    assert [entry.available for entry in catalog.catalog()] == [True, False]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(DataError, match="synthetic, opsd"):
        open_load("nothing.csv")


def test_a_zone_for_the_bundled_year_is_refused() -> None:
    with pytest.raises(UsageError, match="Amprion"):
        open_load("synthetic", zone="Amprion")


def test_the_bundled_years_zones_may_be_summed() -> None:
    names = dict.fromkeys(open_load("synthetic").zones, "grid")
    summed = open_load("synthetic", mapping=Mapping(zones=names))
    assert summed.zones == ("grid",)
    assert summed.values["grid"].equals(open_load("synthetic").values.sum(axis=1))
