from datetime import UTC, datetime

import numpy as np
import pytest

from bench.peers.material import (
    CHUNK_ROWS,
    Material,
    Measurement,
    hourly_work,
    material,
    reach_of,
    representative,
    unroll,
)
from gridstress.datasets.fitting import fitted
from gridstress.datasets.synthetic import synthetic_year
from gridstress.settings import Settings
from tests.support.frames import ended, hour_s, measured
from topology.errors import UsageError
from topology.loaders import load_grid

ROWS = 30


@pytest.fixture(scope="module")
def thirty_hours() -> Material:
    return material(load_grid("germany"), Settings(_env_file=None), ROWS)


def test_frames_are_unrolled_into_one_record_a_node_and_time_in_the_order_of_time():
    frames = [
        measured("east", [0, 1], {"a": [1.0, 2.0], "b": [3.0, 4.0]}),
        measured("west", [0], {"c": [5.0]}),
        measured("west", [1], {"c": [6.0]}),
        ended("east", 2),
    ]
    assert list(unroll(frames)) == [
        Measurement("a", hour_s(0), 1.0),
        Measurement("b", hour_s(0), 3.0),
        Measurement("c", hour_s(0), 5.0),
        Measurement("a", hour_s(1), 2.0),
        Measurement("b", hour_s(1), 4.0),
        Measurement("c", hour_s(1), 6.0),
    ]


def test_every_measurement_of_the_material_is_unrolled_once(thirty_hours: Material):
    records = list(unroll(thirty_hours.frames))
    assert len(records) == thirty_hours.measurements == ROWS * 57
    assert len({(r.node, r.timestamp) for r in records}) == len(records)


def test_updates_are_what_a_program_counts_that_sends_a_message_a_reached_node(
    thirty_hours: Material,
):
    grid, threshold = thirty_hours.grid, thirty_hours.settings.stress_threshold
    rating = dict(zip(grid.ids, grid.ratings_mw, strict=True))
    reach = reach_of(thirty_hours.influences["linear"], grid.ids)
    stressed = [r for r in unroll(thirty_hours.frames) if r.load_mw > threshold * rating[r.node]]
    assert stressed
    assert thirty_hours.updates["linear"] == 6 * sum(len(reach[r.node]) for r in stressed)


def test_reach_has_every_influence_and_no_other(thirty_hours: Material):
    grid, influence = thirty_hours.grid, thirty_hours.influences["centrality"]
    dense = np.zeros(influence.shape)
    for source, targets in reach_of(influence, grid.ids).items():
        for target, factor in targets:
            dense[grid.index[source], grid.index[target]] = factor
    assert (dense == influence.toarray()).all()


def test_the_chosen_hours_are_as_busy_as_the_year(thirty_hours: Material):
    grid = thirty_hours.grid
    reached = sum(np.diff(matrix.indptr) for matrix in thirty_hours.influences.values())
    work = hourly_work(synthetic_year(), grid, thirty_hours.settings.stress_threshold, reached)
    assert sum(thirty_hours.updates.values()) / 6 / ROWS == pytest.approx(work.mean(), rel=0.01)


def test_the_work_of_hours_is_that_of_their_replay(thirty_hours: Material):
    grid, settings = thirty_hours.grid, thirty_hours.settings
    series = fitted(synthetic_year(), grid)
    ones = np.ones(len(grid.nodes))
    work = hourly_work(series, grid, settings.stress_threshold, ones)
    assert len(work) > CHUNK_ROWS  # so that the chunks are joined here
    start = datetime.fromtimestamp(thirty_hours.start_s, UTC)
    first = series.values.index.get_loc(start)
    stressed = np.count_nonzero(
        [
            r.load_mw > settings.stress_threshold * grid.ratings_mw[grid.index[r.node]]
            for r in unroll(thirty_hours.frames)
        ]
    )
    assert work[first : first + ROWS].sum() == stressed


def test_the_stretch_nearest_to_the_mean_is_taken():
    work = np.array([0.0, 0.0, 9.0, 3.0, 1.0, 5.0])  # mean 3
    assert representative(work, 1) == 3
    assert representative(work, 2) == 4
    assert representative(work, 6) == 0


@pytest.mark.parametrize("rows", [0, 8761])
def test_more_hours_than_the_year_has_are_refused(rows: int):
    with pytest.raises(UsageError, match=str(rows)):
        material(load_grid("germany"), Settings(_env_file=None), rows)
