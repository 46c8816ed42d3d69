import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tables.pane import Pane, part_width

stress = st.lists(st.floats(0, 1e3), min_size=2, max_size=2).map(np.array)
rows = st.lists(st.tuples(st.sampled_from("xyz"), stress), max_size=12)


def filled(order: list[tuple[str, int, np.ndarray]], width: int = 3) -> Pane:
    pane = Pane(np.zeros(3), width)
    for zone, seq, values in order:
        pane.add(zone, seq, values, np.array([0, 1]), values)
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


@given(rows.filter(len), st.integers(1, 4))
def test_a_pane_reads_back_as_it_was_packed(rows, width) -> None:
    pane = filled([(zone, seq, values) for seq, (zone, values) in enumerate(rows)], width)
    pane.add("w", 0, np.array([0.0, 1.0]), np.array([2]), np.array([1.0]))
    again = Pane.unpack(pane.pack(), width)
    assert again.applied == pane.applied
    assert again.total(2).tobytes() == pane.total(2).tobytes()
    assert again.source_stress.tobytes() == pane.source_stress.tobytes()


def test_an_unpacked_pane_can_be_added_to() -> None:
    pane = Pane.unpack(filled([("x", 1, np.array([1.0, 2.0]))]).pack(), 3)
    pane.add("x", 2, np.array([1.0, 1.0]), np.array([0]), np.array([1.0]))
    assert pane.total(2).tolist() == [2.0, 3.0]
    assert pane.source_stress.tolist() == [2.0, 2.0, 0.0]


@given(rows, st.integers(1, 2), st.data())
def test_a_crash_between_two_parts_does_no_harm(rows, width, data) -> None:
    """Each part is as old as its own last write; all rows come again."""
    numbered = [(zone, seq, values) for seq, (zone, values) in enumerate(rows)]
    stored: dict[int, bytes] = {}
    pane = Pane(np.zeros(3), width)
    for zone, seq, values in numbered:
        pane.add(zone, seq, values, np.array([0, 1]), values)
        parts = pane.pack()
        stored |= {part: parts[part] for part in parts if data.draw(st.booleans())}
    again = Pane.unpack(stored, width) if stored else Pane(np.zeros(3), width)
    for zone, seq, values in numbered:
        again.add(zone, seq, values, np.array([0, 1]), values)
    whole = filled(numbered)
    assert again.total(2).tobytes() == whole.total(2).tobytes()
    assert again.source_stress.tobytes() == whole.source_stress.tobytes()


def test_a_pane_of_one_value_that_is_in_parts_now_knows_what_it_has() -> None:
    (raw,) = filled([("x", 1, np.array([1.0, 2.0]))]).pack().values()
    pane = Pane.unpack({0: raw}, 1, whole=True)
    pane.add("x", 1, np.array([1.0, 2.0]), np.array([0, 1]), np.array([1.0, 2.0]))
    assert pane.total(2).tolist() == [1.0, 2.0]


def test_the_parts_of_a_pane_of_a_hundred_thousand_nodes_fit_into_records() -> None:
    nodes, shard, zones = 100_000, 25_000, 4
    pane = Pane(np.zeros(nodes), part_width(zones))
    sources = np.arange(nodes)
    for zone in range(zones):
        pane.add(f"zone {zone}", 0, np.full(shard, 0.3), sources, np.full(nodes, 0.1))
    parts = pane.pack()
    assert len(parts) > 1
    assert max(map(len, parts.values())) < 1 << 21


def test_many_zones_make_narrower_parts() -> None:
    pane = Pane(np.zeros(2000), part_width(100))
    for zone in range(100):
        pane.add(f"zone {zone}", 0, np.full(2000, 0.3), np.arange(2000), np.full(2000, 0.1))
    assert max(map(len, pane.pack().values())) < 1 << 21
