"""How the times of two runs are set against each other."""

from topology.clock import HOUR_S

WEEK_S = 168 * HOUR_S
YEAR_S = 365.2425 * 24 * HOUR_S

Span = tuple[float, float]
"""Event time from which on and until when, epoch seconds."""


def shift_between(first: Span, second: Span, step_s: int) -> int:
    """What is added to the second run's times to set them against the first's, seconds.

    Nothing if they are of the same time. Else whole weeks, so that weekdays meet: as many as come
    nearest to whole years, or to the difference of their beginnings. It counts if at least half
    of the shorter run meets the other; else their beginnings meet, on a multiple of ``step_s``.
    """
    between = first[0] - second[0]
    years = round(between / YEAR_S) * YEAR_S
    least_s = min(first[1] - first[0], second[1] - second[0]) / 2
    for shift in (0, _rounded(years, WEEK_S), _rounded(between, WEEK_S)):
        met_s = min(first[1], second[1] + shift) - max(first[0], second[0] + shift)
        if met_s >= least_s and shift % step_s == 0:
            return shift
    return _rounded(between, step_s)


def _rounded(seconds: float, unit_s: int) -> int:
    return round(seconds / unit_s) * unit_s
