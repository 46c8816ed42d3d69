from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from agents.detection import stress_of
from gridstress.datasets.series import LoadSeries
from gridstress.replay import fit
from gridstress.replay.fit import fit_ratings
from gridstress.replay.schedule import Schedule
from topology.errors import DataError, UsageError
from topology.grid import Grid, Line, Node

THRESHOLD = 0.85


def _grid() -> Grid:
    """Two zones of six nodes; `a5` and `b5` have no load, `a0` hangs on one line."""
    nodes = [
        Node(f"{zone}{i}", f"{zone}{i}", 50, i, zone, share, 1.0 if share else np.inf, 0.8)
        for zone in "ab"
        for i, share in enumerate((0.3, 0.3, 0.2, 0.1, 0.1, 0.0))
    ]
    pairs = [(f"{z}{i}", f"{z}{i + 1}") for z in "ab" for i in range(5)]
    pairs += [("a1", "a5"), ("b0", "b5"), ("b2", "a2")]
    lines = tuple(Line(a, b, 50, 380, 0.5) for a, b in pairs)
    return Grid("two", tuple(nodes), lines, {"a": 0.5, "b": 0.5})


def _series(hours: int = 2000, **columns: float) -> LoadSeries:
    index = pd.date_range("2024-01-01", periods=hours, freq="h", tz="UTC")
    shape = 1 + 0.3 * np.sin(np.arange(hours) * 2 * np.pi / 24)
    values = pd.DataFrame({zone: mw * shape for zone, mw in columns.items()}, index=index)
    return LoadSeries(values, 3600, "sine")


def _stressed(grid: Grid, series: LoadSeries, seed: int = 0) -> float:
    """Part of the node-hours of loaded nodes that detection finds stressed in a replay."""
    above = total = 0
    for frame in Schedule(series, grid, "r", seed).frames():
        index = [grid.index[node] for node in frame.nodes]
        stress = stress_of(np.array(frame.load_mw), grid.ratings_mw[index], THRESHOLD, 3600)
        above += int((stress > 0).sum())
        total += sum(grid.nodes[i].share > 0 for i in index) * len(frame.timestamps)
    return above / total


@pytest.mark.parametrize("stressed", [0.01, 0.03, 0.2])
def test_a_replay_stresses_the_part_of_the_node_hours_that_was_chosen(stressed: float) -> None:
    series = _series(a=900, b=300)
    found = fit_ratings(_grid(), series, stressed, THRESHOLD)
    assert found.stressed == pytest.approx(stressed, abs=1e-3)
    assert _stressed(found.grid, series) == pytest.approx(stressed, abs=1e-3)
    assert found.node_hours == 2000 * 10
    assert np.mean(list(found.hours.values())) == pytest.approx(stressed, abs=1e-3)


def test_the_most_exposed_node_is_stressed_most_often() -> None:
    found = fit_ratings(_grid(), _series(a=900, b=900), 0.05, THRESHOLD)
    assert max(found.hours, key=lambda node: found.hours[node]) == "a0"
    least, most = found.margins
    assert most / least == pytest.approx(1 + fit.SPREAD)


def test_nodes_without_load_stay_without_rating_and_other_zones_keep_theirs() -> None:
    found = fit_ratings(_grid(), _series(a=900), 0.05, THRESHOLD)
    ratings = dict(zip(found.grid.ids, found.grid.ratings_mw.tolist(), strict=True))
    assert ratings["a5"] == np.inf
    assert ratings["b0"] == 1.0
    assert found.without_load == ("b",)
    assert "rating_mw" in found.grid.nodes[0].assumed
    assert "sine" in found.grid.assumptions["rating_mw"]


def test_gaps_are_left_out() -> None:
    series = _series(a=900, b=300)
    series.values.iloc[100:300, 0] = np.nan
    found = fit_ratings(_grid(), series, 0.03, THRESHOLD)
    assert found.node_hours == 1800 * 5 + 2000 * 5
    assert _stressed(found.grid, series) == pytest.approx(0.03, abs=2e-3)


def test_of_a_long_load_some_rows_are_looked_at_at_all_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    series = _series(8760, a=900, b=300)
    monkeypatch.setattr(fit, "LOOKED_AT", 8760 * 10 // 24)
    found = fit_ratings(_grid(), series, 0.03, THRESHOLD)
    assert found.node_hours == 365 * 10
    assert _stressed(found.grid, series) == pytest.approx(0.03, abs=0.01)


def test_more_stress_than_there_is_load_is_refused() -> None:
    series = _series(a=900)
    series.values.iloc[::10] = 0.0
    with pytest.raises(UsageError, match="fewer of the node-hours"):
        fit_ratings(_grid(), series, 0.95, THRESHOLD)


def test_words_of_ratings_that_were_not_fitted_stay() -> None:
    once = fit_ratings(_grid(), _series(a=900, b=9), 0.05, THRESHOLD).grid
    again = fit_ratings(once, _series(a=90), 0.05, THRESHOLD).grid
    assert "at the others" in again.assumptions["rating_mw"]


def test_a_load_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no load for any zone"):
        fit_ratings(_grid(), _series(a=0), 0.03, THRESHOLD)


@pytest.mark.parametrize("stressed", [0, 1, -0.1, float("nan")])
def test_a_part_beyond_its_bounds_is_refused(stressed: float) -> None:
    with pytest.raises(UsageError, match="more than 0 %"):
        fit_ratings(_grid(), _series(a=1), stressed, THRESHOLD)


def test_a_fitted_grid_without_lines_is_rated_too() -> None:
    found = fit_ratings(replace(_grid(), lines=()), _series(a=900, b=300), 0.03, THRESHOLD)
    assert found.stressed == pytest.approx(0.03, abs=1e-3)
