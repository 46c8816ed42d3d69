from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.peers.equality import compare
from bench.peers.material import Material, material
from bench.peers.plain_loop import Loop, Ring
from bench.peers.runner import Place, task_for
from gridstress.settings import Settings
from topology.loaders import load_grid
from topology.messages import MeasurementFrame


@pytest.fixture(scope="module")
def fortnight() -> Material:
    return material(load_grid("germany"), Settings(_env_file=None), 14 * 24)


def in_turn(frames: list[MeasurementFrame]) -> Iterator[list[MeasurementFrame]]:
    for frame in frames:
        yield [frame]


def zone_by_zone(frames: list[MeasurementFrame]) -> Iterator[list[MeasurementFrame]]:
    for zone in sorted({frame.zone for frame in frames}):
        yield [frame for frame in frames if frame.zone == zone]


@pytest.mark.parametrize("batches", [in_turn, zone_by_zone])
def test_the_ceiling_has_the_windows_and_alarms_that_the_verifier_recomputes(
    fortnight: Material, batches, tmp_path: Path
):
    place = Place("germany", Path("grid.json"), "127.0.0.1:1")
    task = task_for("plain", place, fortnight, tmp_path)
    loop = Loop(task, fortnight.grid, fortnight.settings)
    folded, closed_by = 0, []
    for batch in batches(list(fortnight.frames)):
        folded += sum(loop.fold(frame) for frame in batch)
        closed_by += loop.close()
    recomputed = fortnight.recomputed
    closed = recomputed.closed
    expected = {name: result.stress[:closed] for name, result in recomputed.models.items()}
    found = {name: model.windows[:closed] for name, model in loop.models.items()}
    verdict = compare(expected, found, fortnight.grid.ids, recomputed.ends_s[:closed])
    assert verdict.equal, verdict.first
    assert verdict.stressed > 100
    assert closed_by == (recomputed.ends_s[:closed] + fortnight.settings.lateness_s).tolist()
    assert folded == fortnight.measurements
    transitions = {name: model.transitions for name, model in loop.models.items()}
    assert transitions == {name: len(r.decisions) for name, r in recomputed.models.items()}


def test_a_ring_slides_and_grows_and_forgets_nothing():
    ring = Ring(nodes=2, first=10, slots=2)
    column = np.array([1])
    ring.add(np.array([10, 11]), column, np.array([[1.0], [2.0]]))
    assert ring.take(10).tolist() == [[0.0, 1.0]]
    ring.add(np.array([12]), column, np.array([[3.0]]))
    ring.add(np.array([15]), np.array([0]), np.array([[4.0]]))  # four panes in two slots
    assert ring.take(15).tolist() == [[0, 2], [0, 3], [0, 0], [0, 0], [4, 0]]
    ring.add(np.array([16]), column, np.array([[5.0]]))
    assert ring.take(16).tolist() == [[0.0, 5.0]]


def test_rows_of_one_pane_are_added_up():
    ring = Ring(nodes=2, first=0)
    ring.add(np.array([0, 0, 1]), np.array([0, 1]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    assert ring.take(1).tolist() == [[4.0, 6.0], [5.0, 6.0]]


def test_panes_that_nothing_was_added_to_are_zero_however_many():
    ring = Ring(nodes=1, first=0, slots=2)
    ring.add(np.array([1]), np.array([0]), np.array([[7.0]]))
    assert ring.take(4).tolist() == [[0], [7], [0], [0], [0]]
