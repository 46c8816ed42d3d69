"""How the times of two runs are set against each other."""

from datetime import UTC, datetime

import pytest

from topology.alignment import WEEK_S, shift_between

HOUR = 3600


def span(begin: str, end: str) -> tuple[float, float]:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (begin, end))
    return first.timestamp(), last.timestamp()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("2019-01-01", "2020-01-01"), ("2015-01-01", "2016-01-01")),
        (("2015-01-01", "2016-01-01"), ("2019-01-01", "2020-01-01")),
        (("2019-01-14", "2019-01-21"), ("2018-01-01", "2019-01-01")),
        (("2019-06-01", "2019-07-01"), ("2015-01-01", "2016-01-01")),
    ],
)
def test_another_year_meets_by_whole_weeks_at_the_same_time_of_the_year(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    one, other = span(*first), span(*second)
    shift = shift_between(one, other, HOUR)
    assert shift % WEEK_S == 0
    years = datetime.fromisoformat(first[0]).year - datetime.fromisoformat(second[0]).year
    assert abs(shift / 86_400 - years * 365.2425) <= 3.5


@pytest.mark.parametrize(
    ("first", "second", "shift_h"),
    [
        # The same time: nothing is shifted, also where one goes on for longer.
        (("2019-01-01", "2020-01-01"), ("2019-01-01", "2020-01-01"), 0),
        (("2019-01-14", "2019-01-21"), ("2019-01-01", "2020-01-01"), 0),
        # They touch, and no more: by whole weeks.
        (("2019-01-14", "2019-01-21"), ("2019-01-07", "2019-01-14"), 168),
        # Other parts of one year: from their beginnings, to a week.
        (("2019-10-01", "2019-11-01"), ("2019-08-01", "2019-09-01"), 9 * 168),
        # Shorter than half a week: from their beginnings.
        (("2019-01-16", "2019-01-17"), ("2019-01-14", "2019-01-15"), 48),
    ],
)
def test_the_first_way_in_which_half_of_the_shorter_run_meets_the_other_counts(
    first: tuple[str, str], second: tuple[str, str], shift_h: int
) -> None:
    assert shift_between(span(*first), span(*second), HOUR) == shift_h * HOUR


def test_times_stay_on_the_windows_grid() -> None:
    first, second = span("2019-01-01", "2019-03-01"), span("2018-01-01", "2018-03-01")
    assert shift_between(first, second, 7000) % 7000 == 0
