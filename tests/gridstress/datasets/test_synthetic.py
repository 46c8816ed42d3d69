import datetime as dt
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from gridstress.datasets.reading import read_load
from gridstress.datasets.synthetic import german_holidays, synthetic_year, synthetic_year_for
from tests.support.speed import cpu_under
from topology.errors import UsageError
from topology.grid import Grid, Node

SUMS = {
    "50Hertz": 103329890.1,
    "Amprion": 183410918.4,
    "TenneT": 151396832.2,
    "TransnetBW": 62247741.4,
}
ENDS = [8696.1, 9538.6]


def test_a_year_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one, again, other = synthetic_year(2025, 3), synthetic_year(2025, 3), synthetic_year(2025, 4)
    assert one.values.equals(again.values)
    assert not one.values.equals(other.values)


def test_the_bundled_year_never_changes() -> None:
    values = synthetic_year().values
    assert values.sum().round(1).to_dict() == SUMS
    assert values.iloc[[0, -1], 0].tolist() == ENDS


@pytest.mark.explore
def test_a_year_is_generated_in_under_a_second_and_takes_little_room() -> None:
    with cpu_under(1):
        year = synthetic_year(2023).values
    assert len(year) == 8760
    shapes = files("gridstress.datasets") / "synthetic_shapes.json"
    assert len(shapes.read_bytes()) < 300_000


@pytest.mark.parametrize(("year", "hours"), [(2023, 8760), (2024, 8784)])
def test_a_year_covers_every_hour_of_the_german_calendar_year(year: int, hours: int) -> None:
    series = synthetic_year(year)
    assert len(series.values) == hours
    assert series.start.isoformat() == f"{year - 1}-12-31T23:00:00+00:00"
    assert series.end.isoformat() == f"{year}-12-31T23:00:00+00:00"
    assert not list(series.gaps())


def test_holidays_are_those_of_the_calendar() -> None:
    # Calendar of the Federal Ministry of the Interior, holidays of all Länder, 2025.
    assert german_holidays(2025) == {
        dt.date(2025, m, d)
        for m, d in [
            (1, 1), (4, 18), (4, 21), (5, 1), (5, 29), (6, 9), (10, 3), (12, 25), (12, 26),
        ]
    }  # fmt: skip


def test_working_days_are_heavier_than_sundays_and_winter_than_summer() -> None:
    national = synthetic_year().values.sum(axis=1).tz_convert("Europe/Berlin")
    sundays = national[national.index.day_of_week == 6].mean()
    working = national[national.index.day_of_week < 5].mean()
    assert 0.70 < sundays / working < 0.85
    assert national["2025-01"].mean() > 1.1 * national["2025-07"].mean()


def test_it_says_that_it_is_synthetic_and_whose_statistics_it_uses() -> None:
    series = synthetic_year()
    assert "synthetic" in series.source
    assert "Synthetic" in series.credit
    assert series.synthetic is True
    assert series.between(series.start, None).synthetic is True
    assert "Bundesnetzagentur | SMARD.de, CC BY 4.0" in series.credit


def small_grid(unit_mw: float = 1.0) -> Grid:
    """Three zones with unequal nodes, the last of which takes no load."""
    rated = {"north": (30, 50, 90), "south": (10, 11), "none": (1,)}
    nodes = tuple(
        Node(f"{zone}{i}", "", 0, 0, zone, 0.0 if zone == "none" else 1 / len(mw),
             mw[i] * unit_mw, 0.8)
        for zone, mw in rated.items() for i in range(len(mw))
    )  # fmt: skip
    return Grid("small", nodes, ())


@pytest.mark.parametrize(("threshold", "unit_mw"), [(0.85, 1), (0.5, 1e-6), (0.85, 1e3)])
def test_a_year_for_another_grid_stresses_three_hundredths_of_each_zones_node_hours(
    threshold: float, unit_mw: float
) -> None:
    grid = small_grid(unit_mw)
    values = synthetic_year_for(grid, threshold).values
    for zone in ("north", "south"):
        nodes = [node for node in grid.nodes if node.zone == zone]
        loads = np.outer(values[zone], [node.share for node in nodes])
        stressed = loads > threshold * np.array([node.rating_mw for node in nodes])
        assert stressed.mean() == pytest.approx(0.03, abs=2e-4)


def test_a_year_for_another_grid_has_its_loaded_zones_and_germanys_days() -> None:
    year, again = (synthetic_year_for(small_grid(), 0.85) for _ in range(2))
    assert year.zones == ("north", "south")
    assert year.values.equals(again.values)
    assert not year.values.equals(synthetic_year_for(small_grid(), 0.85, seed=2).values)
    assert (year.values.index == synthetic_year().values.index).all()
    national = synthetic_year().values.sum(axis=1)
    assert year.values["north"].corr(national) > 0.97
    assert 0.97 < year.values["north"].corr(year.values["south"]) < 0.999
    assert year.synthetic is True
    assert "Synthetic load for grid 'small'" in year.credit
    assert "Bundesnetzagentur | SMARD.de, CC BY 4.0" in year.credit


def test_years_and_seeds_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="1789"):
        synthetic_year(1789)
    with pytest.raises(UsageError, match="-1"):
        synthetic_year(2025, -1)
    with pytest.raises(UsageError, match="1789"):
        synthetic_year_for(small_grid(), 0.85, 1789)


def test_it_comes_close_to_a_measured_year_it_has_not_seen() -> None:
    path = Path(__file__).parents[4] / "shared" / "data" / "opsd_DE_2019.csv"
    if not path.exists():
        pytest.skip(f"no OPSD extract beside the checkout ({path})")
    measured = read_load(path).values.sum(axis=1)
    synthetic = synthetic_year(2019).values.sum(axis=1)
    assert (measured.index == synthetic.index).all()
    # The typical days alone come within 3.3 % of the hourly national shape, 4.0 % with the
    # weather of our own invention.
    error = np.abs(synthetic / synthetic.mean() - measured / measured.mean()).mean()
    assert error < 0.045
    assert measured.corr(synthetic) > 0.93
