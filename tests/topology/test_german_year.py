"""The German year raises the alarms that ``docs/german-grid.md`` describes, on the bundled data.

Windows are summed here with plain NumPy, apart from the application's own code.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridstress.datasets.synthetic import synthetic_year
from gridstress.replay.schedule import Schedule
from topology.loaders import load_grid
from topology.models import DEFAULT_MODELS, MODELS, InfluenceParams

THRESHOLD, WINDOW = 0.85, 6
WARNING, HIGH, CRITICAL = 0.5, 0.7, 0.9


@pytest.fixture(scope="module")
def year() -> dict[str, Any]:
    grid, series = load_grid("germany"), synthetic_year()
    load = np.zeros((len(series.values), len(grid.nodes)))
    for frame in Schedule(series, grid, run="year").frames(24):
        columns = [grid.index[n] for n in frame.nodes]
        load[np.ix_(range(frame.seq, frame.seq + len(frame.load_mw)), columns)] = frame.load_mw
    stress = np.maximum(0, (load / grid.ratings_mw - THRESHOLD) / (1 - THRESHOLD))
    hours = pd.DatetimeIndex(series.values.index).tz_convert("Europe/Berlin")
    risk = {}
    for model in DEFAULT_MODELS:
        spread = stress @ MODELS[model].build(grid, InfluenceParams()).toarray()
        total = np.vstack([np.zeros((WINDOW, len(grid.nodes))), spread]).cumsum(axis=0)
        risk[model] = 1 - np.exp(total[:-WINDOW] - total[WINDOW:])  # window ending after each hour
    return {"hours": hours, "stress": stress, "risk": risk}


def _nodes_at(year: dict[str, Any], model: str, level: float) -> "pd.Series[Any]":
    return pd.Series((year["risk"][model] >= level).sum(axis=1), index=year["hours"])


def _times(counts: "pd.Series[Any]") -> pd.DatetimeIndex:
    return pd.DatetimeIndex(counts.index)


def _daily(counts: "pd.Series[Any]") -> "pd.Series[Any]":
    return counts.groupby(_times(counts).date).max()


def _winter_workdays(counts: "pd.Series[Any]") -> "pd.Series[Any]":
    index = _times(counts)
    day = index.strftime("%m-%d")
    winter = index.month.isin([1, 2, 12]) & (day > "01-06") & ~((day > "12-21") & (day <= "12-31"))
    return counts[winter & (index.day_of_week < 5)]


def test_winter_evenings_raise_alarms_at_a_handful_of_nodes(year: dict[str, Any]) -> None:
    counts = _winter_workdays(_nodes_at(year, "linear", WARNING))
    daily = _daily(counts[_times(counts).hour.isin([17, 18, 19, 20, 21])])
    assert 3 <= daily.median() <= 10
    assert daily.max() < 57 / 2
    assert (daily > 0).mean() > 0.8


def test_a_typical_winter_workday_has_some_high_and_few_critical_nodes(
    year: dict[str, Any],
) -> None:
    for level, low, high in ((WARNING, 3, 10), (HIGH, 1, 5), (CRITICAL, 0, 2)):
        counts = _winter_workdays(_nodes_at(year, "linear", level))
        daily = _daily(counts)
        assert low <= daily.median() <= high


def test_no_summer_night_has_an_alarm_or_any_stress(year: dict[str, Any]) -> None:
    hours = year["hours"]
    summer = hours.month.isin([6, 7, 8])
    ends = (hours + pd.Timedelta("1h")).hour
    night = summer & ((hours.hour >= 22) | (hours.hour < 6))
    assert not year["stress"][night].any()
    for risk in year["risk"].values():
        assert risk[summer & ((ends >= 22) | (ends <= 6))].max() < WARNING


@pytest.mark.parametrize("model", DEFAULT_MODELS)
def test_summer_days_and_winter_weekends_are_mostly_quiet(year: dict[str, Any], model: str) -> None:
    counts = _nodes_at(year, model, WARNING)
    index = year["hours"]
    summer = counts[index.month.isin([6, 7, 8])]
    assert (_daily(summer) > 0).sum() <= 5
    weekend = counts[index.month.isin([1, 2, 12]) & (index.day_of_week >= 5)]
    assert (_daily(weekend) > 0).mean() <= 0.3
    assert weekend.max() <= 3


@pytest.mark.parametrize("model", DEFAULT_MODELS)
def test_the_year_begins_with_an_alarm_within_sixty_hours(year: dict[str, Any], model: str) -> None:
    first = int((_nodes_at(year, model, WARNING).to_numpy() > 0).argmax())
    assert 0 < first < 60


def test_the_centrality_model_reaches_visibly_further(year: dict[str, Any]) -> None:
    linear, centrality = (
        _winter_workdays(_nodes_at(year, m, WARNING)).sum() for m in ("linear", "centrality")
    )
    assert 1.2 < centrality / linear < 2.5
