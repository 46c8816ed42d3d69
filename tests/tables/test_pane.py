import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tables.pane import Pane

stress = st.lists(st.floats(0, 1e3), min_size=2, max_size=2).map(np.array)
rows = st.lists(st.tuples(st.sampled_from("xyz"), stress), max_size=12)


def filled(order: list[tuple[str, int, np.ndarray]]) -> Pane:
    pane = Pane(np.zeros(3))
    for zone, seq, values in order:
        pane.add(zone, seq, values, [0, 1], values)
    return pane


def test_a_row_that_comes_twice_counts_once() -> None:
    once = filled([("x", 1, np.array([1.0, 2.0])), ("x", 2, np.array([0.5, 0.0]))])
    twice = filled(
        [
            ("x", 1, np.array([1.0, 2.0])),
            ("x", 2, np.array([0.5, 0.0])),
            ("x", 1, np.array([1.0, 2.0])),
        ]
    )
    assert once.total(2).tolist() == twice.total(2).tolist() == [1.5, 2.0]


@given(rows, st.randoms())
def test_the_order_of_the_zones_does_not_change_a_single_bit(rows, random) -> None:
    numbered = [(zone, seq, values) for seq, (zone, values) in enumerate(rows)]
    queues = {z: [row for row in numbered if row[0] == z] for z in "xyz"}
    mixed = []
    while any(queues.values()):
        mixed.append(queues[random.choice([z for z in queues if queues[z]])].pop(0))
    assert filled(numbered).total(2).tobytes() == filled(mixed).total(2).tobytes()


@given(rows)
def test_a_pane_reads_back_as_it_was_packed(rows) -> None:
    pane = filled([(zone, seq, values) for seq, (zone, values) in enumerate(rows)])
    again = Pane.unpack(pane.pack())
    assert again.applied == pane.applied
    assert again.total(2).tobytes() == pane.total(2).tobytes()
    assert again.source_stress.tobytes() == pane.source_stress.tobytes()


def test_an_unpacked_pane_can_be_added_to() -> None:
    pane = Pane.unpack(filled([("x", 1, np.array([1.0, 2.0]))]).pack())
    pane.add("x", 2, np.array([1.0, 1.0]), [0], np.array([1.0]))
    assert pane.total(2).tolist() == [2.0, 3.0]
    assert pane.source_stress.tolist() == [2.0, 2.0, 0.0]
