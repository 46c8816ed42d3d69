import numpy as np
import pytest

from agents.detection import Detection, stress_of
from tests.support.frames import ended, measured
from topology.errors import MessageError
from topology.grid import Grid


@pytest.fixture
def detect(triangle: Grid) -> Detection:
    return Detection(triangle, threshold=0.8)


def test_stress_is_nothing_at_the_threshold_and_one_at_full_rating() -> None:
    stress = stress_of(np.array([50.0, 80.0, 90.0, 100.0, 120.0]), np.array([100.0] * 5), 0.8, 3600)
    assert stress == pytest.approx([0.0, 0.0, 0.5, 1.0, 2.0])


def test_nothing_of_a_run_that_other_settings_have_ended_is_detected(triangle: Grid) -> None:
    detect = Detection(triangle, 0.8, {"before"})
    with pytest.raises(MessageError, match="run 'before' was ended") as caught:
        list(detect(measured("south", [0], {"c": [100.0]}, run="before")))
    assert caught.value.reason == "other-settings"
    assert len(list(detect(measured("south", [0], {"c": [100.0]}, run="after")))) == 1


def test_a_quarter_of_an_hour_counts_a_quarter(detect: Detection) -> None:
    (frame,) = detect(measured("south", [0], {"c": [100.0]}, period_s=900))
    assert frame.stress[0] == pytest.approx([0.25])


def test_only_nodes_with_stress_in_some_row_are_named(detect: Detection) -> None:
    (frame,) = detect(measured("north", [0, 1], {"a": [10.0, 20.0], "b": [70.0, 90.0]}))
    assert frame.nodes == ["b"]
    assert [row[0] for row in frame.stress] == pytest.approx([0.0, 0.5])


def test_a_frame_without_stress_still_moves_time_forward(detect: Detection) -> None:
    (frame,) = detect(measured("north", [5], {"a": [10.0]}))
    assert (frame.nodes, frame.stress.shape, frame.seq, len(frame.timestamps)) == ([], (1, 0), 5, 1)


def test_the_end_of_a_zone_is_passed_on(detect: Detection) -> None:
    (frame,) = detect(ended("south", 9))
    assert frame.final
    assert frame.seq == 9


@pytest.mark.parametrize(
    ("zone", "node", "reason", "words"),
    [
        ("west", "a", "unknown-zone", "'west'"),
        ("north", "q", "unknown-node", "'q'"),
        ("north", "c", "unknown-node", "lies in zone 'south'"),
    ],
)
def test_what_is_not_in_the_grid_is_refused_by_name(
    detect: Detection, zone: str, node: str, reason: str, words: str
) -> None:
    with pytest.raises(MessageError, match=words) as caught:
        list(detect(measured(zone, [0], {node: [1.0]})))
    assert caught.value.reason == reason
