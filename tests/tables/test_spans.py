from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tables.spans import Span, due, panes_with_rows, with_row
from tables.windows import WindowSpec

SPEC = WindowSpec(step_s=10, size_s=30, lateness_s=0, max_ahead_s=100)

times = st.lists(st.floats(0, 2000), min_size=1, max_size=12)


def spans_of(rows: list[float], spec: WindowSpec = SPEC) -> list[Span]:
    spans: list[Span] = []
    for time_s in rows:
        spans = with_row(spans, time_s, spec.max_gap_s)
    return spans


@given(times, st.randoms())
def test_spans_do_not_depend_on_the_order_of_the_rows(rows, random) -> None:
    mixed = sorted(rows, key=lambda _: random.random())
    spans = spans_of(rows)
    assert spans_of(mixed) == spans
    inside = sorted(rows)
    gaps = [b - a for a, b in pairwise(inside) if b - a > SPEC.max_gap_s]
    assert len(spans) == len(gaps) + 1


def test_a_gap_that_is_too_long_has_no_windows_once_all_is_empty() -> None:
    spans = spans_of([5.0, 505.0])
    found = list(due(spans, 0, 520.0, SPEC))
    # The window that ends at 40 is the first without the row at 5; nothing is in those up to 500.
    assert found == [
        (10, True), (20, True), (30, True), (40, True), (500, False), (510, True), (520, True)
    ]  # fmt: skip


def test_a_gap_that_is_not_too_long_keeps_its_empty_windows() -> None:
    found = list(due(spans_of([5.0, 105.0]), 0, 110.0, SPEC))
    assert [end_s for end_s, has_window in found if has_window] == list(range(10, 111, 10))


def test_nothing_is_skipped_before_it_is_certain() -> None:
    """A row at 60 may still come: then both gaps are short, and all windows close."""
    spans = spans_of([5.0, 150.0])
    assert [end_s for end_s, _ in due(spans, 0, 55.0, SPEC)] == [10, 20, 30, 40]
    filled = with_row(spans, 60.0, SPEC.max_gap_s)
    assert list(due(filled, 40, 55.0, SPEC)) == [(50, True)]
    assert list(due(spans, 40, 109.0, SPEC)) == [(100, False)]


def test_without_a_bound_every_end_has_a_window() -> None:
    spec = WindowSpec(step_s=10, size_s=30)
    assert all(has for _, has in due(spans_of([5.0, 5e4], spec), 0, 5e4, spec))


@given(times, st.lists(st.floats(0, 2100), max_size=6))
def test_what_closes_does_not_depend_on_the_steps_of_the_watermark(rows, marks) -> None:
    """At each step all rows before the watermark have come, and the one that moved it."""
    rows = sorted(rows)
    end_s = rows[-1]
    whole = list(due(spans_of(rows), SPEC.pane_of(rows[0]), end_s, SPEC))
    found, closed_s = [], SPEC.pane_of(rows[0])
    for mark_s in [*sorted(m for m in marks if m < end_s), end_s]:
        known = [row for row in rows if row <= mark_s]
        later = [row for row in rows if row > mark_s]
        moved_by = later[:1] if len(marks) % 2 else later[-1:]
        if not known:
            continue
        for step in due(spans_of([*known, *moved_by]), closed_s, mark_s, SPEC):
            found.append(step)
            closed_s = step.end_s
    assert [s.end_s for s in found if s.has_window] == [s.end_s for s in whole if s.has_window]


def test_panes_with_rows_are_those_of_the_spans() -> None:
    assert list(panes_with_rows([(5.0, 25.0), (500.0, 500.0)], 10, SPEC)) == [10, 20, 500]
