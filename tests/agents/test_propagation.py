import numpy as np
import pytest
from scipy.sparse import csr_array

from agents.propagation import Propagation
from tests.support.frames import at
from topology.errors import MessageError
from topology.grid import Grid
from topology.messages import StressFrame
from topology.shards import shard_of

INFLUENCE = csr_array(np.array([[1.0, 0.5, 0.0], [0.25, 1.0, 0.4], [0.0, 0.3, 1.0]]))


def stress_frame(nodes: list[str], stress: list[list[float]], zone: str = "north") -> StressFrame:
    return StressFrame(
        run="r",
        zone=zone,
        seq=3,
        timestamps=[at(h) for h in range(len(stress))],
        nodes=nodes,
        stress=np.array(stress),
    )


def test_a_target_gets_the_sum_over_sources_of_stress_times_influence(triangle: Grid) -> None:
    (frame,) = Propagation(triangle, INFLUENCE, 1)(stress_frame(["a", "b"], [[2.0, 1.0]]))
    got = dict(zip(frame.nodes, frame.stress[0], strict=True))
    assert got == pytest.approx({"a": 2.0 + 0.25, "b": 1.0 + 1.0, "c": 0.4})
    assert dict(zip(frame.sources, frame.source_stress[0], strict=True)) == {"a": 2.0, "b": 1.0}


def test_nothing_of_a_run_that_other_settings_have_ended_is_spread(triangle: Grid) -> None:
    with pytest.raises(MessageError, match="run 'r' was ended") as caught:
        list(Propagation(triangle, INFLUENCE, 1, {"r"})(stress_frame(["a"], [[2.0]])))
    assert caught.value.reason == "other-settings"


def test_every_shard_gets_a_frame_with_its_own_nodes(triangle: Grid) -> None:
    frames = list(Propagation(triangle, INFLUENCE, 5)(stress_frame(["a"], [[2.0]])))
    assert [frame.shard for frame in frames] == [0, 1, 2, 3, 4]
    for frame in frames:
        assert all(shard_of(node, 5) == frame.shard for node in frame.nodes)
        assert bool(frame.sources) == bool(frame.nodes)
    assert sorted(n for frame in frames for n in frame.nodes) == ["a", "b"]


def test_rows_do_not_mix(triangle: Grid) -> None:
    (frame,) = Propagation(triangle, INFLUENCE, 1)(stress_frame(["a"], [[2.0], [0.0], [1.0]]))
    assert [row[frame.nodes.index("b")] for row in frame.stress] == [1.0, 0.0, 0.5]


def test_an_empty_frame_reaches_every_shard_as_an_empty_frame(triangle: Grid) -> None:
    frames = Propagation(triangle, INFLUENCE, 2)(stress_frame([], [[], []]))
    assert [(f.nodes, f.stress.shape, f.last_seq) for f in frames] == [([], (2, 0), 4)] * 2


def test_how_rows_are_cut_into_messages_does_not_change_a_bit(triangle: Grid) -> None:
    rng = np.random.default_rng(1)
    rows = rng.random((7, 2)).tolist()
    model = Propagation(triangle, INFLUENCE, 1)
    (whole,) = model(stress_frame(["a", "b"], rows))
    single = [next(model(stress_frame(["a", "b"], [row]))).stress[0] for row in rows]
    np.testing.assert_array_equal(whole.stress, single)


def test_an_unknown_node_is_refused(triangle: Grid) -> None:
    with pytest.raises(MessageError, match="'q'"):
        list(Propagation(triangle, INFLUENCE, 1)(stress_frame(["q"], [[1.0]])))
