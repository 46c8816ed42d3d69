from hypothesis import given
from hypothesis import strategies as st

from tables.windows import WindowSpec

SPEC = WindowSpec(step_s=3600, size_s=21_600, lateness_s=3600)


def test_a_pane_starts_at_the_multiple_of_the_step_at_or_before_a_time() -> None:
    assert SPEC.pane_of(7200) == 7200
    assert SPEC.pane_of(10_799.9) == 7200
    assert SPEC.pane_of(-1) == -3600


def test_a_window_is_its_last_six_panes() -> None:
    assert list(SPEC.panes_in(21_600)) == [0, 3600, 7200, 10_800, 14_400, 18_000]


def test_the_oldest_needed_pane_is_the_first_of_the_next_window() -> None:
    closed = 36_000
    assert SPEC.oldest_needed(closed) == SPEC.panes_in(closed + SPEC.step_s)[0]


@given(
    time_s=st.integers(-(10**12), 10**12).map(lambda ms: ms / 1000),
    step_s=st.integers(1, 86_400),
    panes=st.integers(1, 48),
)
def test_every_time_lies_in_exactly_size_by_step_windows(
    time_s: float, step_s: int, panes: int
) -> None:
    spec = WindowSpec(step_s, step_s * panes, 0)
    pane = spec.pane_of(time_s)
    assert pane <= time_s < pane + step_s
    ends = range(pane - spec.size_s, pane + 2 * spec.size_s + step_s, step_s)
    assert sum(pane in spec.panes_in(end) for end in ends) == panes
