from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridstress.datasets.fitting import check_jumps, fitted, resampled, without_gaps
from gridstress.datasets.series import NATIONAL, LoadSeries
from topology.errors import DataError, UsageError
from topology.grid import Grid, Node

NAN = float("nan")


def series(columns: dict[str, list[float]], period_s: int = 900) -> LoadSeries:
    rows = len(next(iter(columns.values())))
    index = pd.date_range("2024-01-01", periods=rows, freq=f"{period_s}s", tz="UTC")
    return LoadSeries(pd.DataFrame(columns, index, dtype=float), period_s, "test")


def grid(*zones: str, **shares: float) -> Grid:
    nodes = tuple(Node(zone.lower(), zone, 0, 0, zone, 1.0, 1.0, 1.0) for zone in zones)
    return Grid("test", nodes, (), shares)


def test_quarters_are_averaged_not_summed() -> None:
    hourly = resampled(series({"A": [1, 2, 3, 4, 10, 10, 10, 10]}))
    assert hourly.values["A"].tolist() == [2.5, 10]
    assert hourly.period_s == 3600


def test_an_hour_without_one_of_its_quarters_is_missing() -> None:
    hourly = resampled(series({"A": [1, 2, NAN, 4, 10, 10, 10, 10]}))
    assert np.isnan(hourly.values["A"].iloc[0])
    assert hourly.values["A"].iloc[1] == 10


def test_quarters_are_kept_on_request() -> None:
    quarters = series({"A": [1, 2, 3, 4]})
    assert resampled(quarters, "15min") is quarters


@pytest.mark.parametrize("resolution", ["5min", "2h", ""])
def test_finer_than_the_data_or_unknown_is_refused(resolution: str) -> None:
    with pytest.raises(UsageError):
        resampled(series({"A": [1, 2, 3, 4]}), resolution)


def test_skip_leaves_gaps_and_interpolate_draws_lines_but_invents_no_ends() -> None:
    gappy = series({"A": [NAN, 1, NAN, NAN, 4, NAN]})
    assert without_gaps(gappy, "skip") is gappy
    filled = without_gaps(gappy, "interpolate").values["A"].tolist()
    assert filled[1:5] == [1, 2, 3, 4]
    assert np.isnan([filled[0], filled[5]]).all()


def test_fail_names_the_first_gap_of_each_zone() -> None:
    gappy = series({"A": [1, NAN, NAN, 4, NAN, 6], "B": [1, 2, 3, 4, 5, 6]})
    with pytest.raises(DataError, match="3 values") as error:
        without_gaps(gappy, "fail")
    assert "A 2024-01-01T00:15Z to 2024-01-01T00:45Z (2 rows)" in str(error.value)
    assert "B" not in str(error.value)


def test_fail_lets_a_complete_series_pass() -> None:
    whole = series({"A": [1, 2]})
    assert without_gaps(whole, "fail") is whole


def test_a_gap_longer_than_the_workers_let_time_jump_is_refused() -> None:
    gappy = series({"A": [NAN, 1, NAN, NAN, 4, NAN], "B": [1, 2, 3, 4, 5, 6]})
    check_jumps(gappy, 3 * 900)
    check_jumps(gappy, 0)
    with pytest.raises(DataError, match="zone A has no value from 2024-01-01T00:30Z") as error:
        check_jumps(gappy, 3 * 900 - 1)
    assert "GRIDSTRESS_MAX_AHEAD_S=2700" in error.value.hint


def test_data_coarser_than_the_workers_let_time_jump_are_refused() -> None:
    with pytest.raises(DataError, match="every 900 s"):
        check_jumps(series({"A": [1, 2]}), 899)


def test_zones_are_matched_by_name_before_alias_and_sorted() -> None:
    given = series({"tennet": [1, 1], "Amprion": [2, 2]})
    assert fitted(given, grid("Amprion", "TenneT")).zones == ("Amprion", "TenneT")
    assert fitted(given, grid("Amprion", "tennet")).zones == ("Amprion", "tennet")


def test_a_zone_the_grid_lacks_is_an_error_with_both_lists() -> None:
    with pytest.raises(DataError) as error:
        fitted(series({"A": [1, 1], "X": [2, 2]}), grid("A", "B"))
    for part in ("'X'", "A, B"):
        assert part in str(error.value)


def test_a_zone_the_data_lack_is_left_out() -> None:
    assert fitted(series({"A": [1, 1]}), grid("A", "B")).zones == ("A",)


def test_a_national_load_is_split_by_the_zone_shares() -> None:
    split = fitted(series({NATIONAL: [100, NAN, 1]}), grid("A", "B", A=0.25, B=0.75))
    assert split.values.iloc[0].to_dict() == {"A": 25, "B": 75}
    assert split.values.iloc[1].isna().all()


@pytest.mark.parametrize("zones", [("DE", "FR"), ("FR", "DE_LU", "DE")])
def test_a_country_goes_whole_to_the_zone_of_its_name(zones: tuple[str, ...]) -> None:
    given = replace(series({"DE": [100, 1]}), collection=True, whole=True)
    shares = dict.fromkeys(zones, 1 / len(zones))
    assert fitted(given, grid(*zones, **shares)).values.to_dict("list") == {"DE": [100, 1]}


def test_a_series_begins_and_ends_with_a_value_of_any_zone() -> None:
    given = series(
        {"A": [NAN, NAN, 1, NAN, NAN], "B": [NAN, NAN, NAN, 2, NAN], "C": [1, 1, 1, 1, 1]}
    )
    made = fitted(replace(given, collection=True), grid("A", "B"))
    assert made.start == given.start + 2 * pd.Timedelta(seconds=900)
    assert made.values["A"].tolist()[0] == 1
    assert made.values["B"].tolist()[1] == 2
    assert len(made.values) == 2
    assert len(fitted(given, grid("A", "B", "C")).values) == 5


def test_a_national_load_goes_to_an_only_zone_whole() -> None:
    assert fitted(series({NATIONAL: [100, 1]}), grid("A")).values["A"].tolist() == [100, 1]


def test_a_national_load_without_shares_is_an_error() -> None:
    with pytest.raises(DataError, match="no zone shares"):
        fitted(series({NATIONAL: [100, 1]}), grid("A", "B"))


def test_two_columns_of_one_zone_are_an_error() -> None:
    with pytest.raises(DataError, match="TenneT"):
        fitted(series({"TenneT": [1, 1], "tennet": [1, 1]}), grid("TenneT"))
