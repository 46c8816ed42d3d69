import pytest

from bench.measures.trace import STEPS, Step, divide

ZONE = ("latency", "north")


def test_the_latency_of_rows_is_divided_into_the_steps_of_their_way():
    steps = divide(
        sent={ZONE: [(0, 100), (1, 100), (2, 200)]},
        stress={ZONE: {0: 110, 1: 112, 2: 220}},
        propagated={ZONE: {0: 115, 1: 130, 2: 221}},
        applied={ZONE: {0: 116, 1: 132, 2: 225}},
    )
    assert steps == [Step(STEPS[0], 12, 20), Step(STEPS[1], 5, 18), Step(STEPS[2], 2, 4)]


def test_a_row_that_no_record_of_a_stage_carries_is_an_error():
    with pytest.raises(KeyError):
        divide({ZONE: [(0, 100)]}, {ZONE: {}}, {ZONE: {0: 115}}, {ZONE: {0: 116}})
