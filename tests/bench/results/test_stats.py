import pytest

from bench.results.stats import percentile, spread, text


def test_a_spread_is_the_median_with_the_least_and_the_greatest_value():
    found = spread([3.0, 1.0, 10.0])
    assert (found.median, found.low, found.high, found.count) == (3.0, 1.0, 10.0, 3)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.0, 1)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, value: int):
    assert percentile(list(range(100, 0, -1)), share) == value


def test_the_percentile_of_few_values_is_never_below_the_share():
    assert percentile([1, 2, 3], 0.99) == 3
    assert percentile([7], 0.5) == 7


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.01234, "0.0123"), (12.345, "12.3"), (999.4, "999"), (123_456, "123,000")],
)
def test_a_number_is_shown_with_three_digits_that_count(value: float, shown: str):
    assert text(value) == shown
