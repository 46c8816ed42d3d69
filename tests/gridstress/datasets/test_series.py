import pandas as pd
import pytest

from gridstress.datasets.series import Gap, LoadSeries
from topology.errors import DataError

NAN = float("nan")


def series(*values: float) -> LoadSeries:
    index = pd.date_range("2024-01-01", periods=len(values), freq="h", tz="UTC")
    return LoadSeries(pd.DataFrame({"A": values}, index), 3600, "test")


def at(hour: int) -> pd.Timestamp:
    return pd.Timestamp(2024, 1, 1, hour, tz="UTC")


def test_gaps_are_the_stretches_without_a_value() -> None:
    gaps = list(series(NAN, 1, NAN, NAN, 4).gaps())
    assert gaps == [Gap("A", at(0), at(1), 1), Gap("A", at(2), at(4), 2)]


def test_between_keeps_the_start_and_drops_the_end() -> None:
    cut = series(0, 1, 2, 3).between(at(1), at(3))
    assert cut.values["A"].tolist() == [1, 2]
    assert (cut.start, cut.end) == (at(1), at(3))
    assert len(series(0, 1).between(None, None).values) == 2


def test_between_says_what_there_is_when_nothing_is_left() -> None:
    with pytest.raises(DataError, match="2024-01-01T00:00Z to 2024-01-01T02:00Z"):
        series(0, 1).between(at(5), None)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024-01-01", periods=2, freq="h"),
        pd.DatetimeIndex([at(0), at(2)]),
        pd.DatetimeIndex([], tz="UTC"),
    ],
    ids=["no zone", "a step missing", "empty"],
)
def test_an_irregular_index_is_refused(index: pd.DatetimeIndex) -> None:
    with pytest.raises(ValueError, match="load series"):
        LoadSeries(pd.DataFrame({"A": 1.0}, index), 3600, "test")
