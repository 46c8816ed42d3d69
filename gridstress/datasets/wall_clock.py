"""Wall-clock labels as moments.

In spring an hour is missing from the clock, in autumn one comes twice.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from gridstress.datasets.row import Row

BERLIN = ZoneInfo("Europe/Berlin")
YEARS = range(1900, 2200)
"""Years that a label may have; another one is a mistake, and `datetime` overflows at its ends."""

_STEADY = {
    "UTC": dt.UTC,
    "CET": dt.timezone(dt.timedelta(hours=1)),
    "CEST": dt.timezone(dt.timedelta(hours=2)),
}


def steady_time_s(label: dt.datetime, clock: str) -> int:
    """Epoch seconds of a label on a clock that does not jump: UTC, CET or CEST."""
    return int(label.replace(tzinfo=_STEADY[clock]).timestamp())


def is_skipped(label: dt.datetime, clock: dt.tzinfo = BERLIN) -> bool:
    """Whether a clock, Germany's by default, jumped over this label, in spring."""
    if label.year not in YEARS:
        return False
    there_and_back = label.replace(tzinfo=clock).astimezone(dt.UTC).astimezone(clock)
    return there_and_back.replace(tzinfo=None) != label


def is_twofold(label: dt.datetime, clock: dt.tzinfo = BERLIN) -> bool:
    """Whether a clock, Germany's by default, showed this label twice, in autumn."""
    first, second = (label.replace(tzinfo=clock, fold=fold) for fold in (0, 1))
    return first.utcoffset() != second.utcoffset() and not is_skipped(label, clock)


def wall_times_s(
    labels: Sequence[tuple[Row, dt.datetime]],
    column: str,
    clock: dt.tzinfo = BERLIN,
    *,
    ends: bool = False,
) -> list[int]:
    """Epoch seconds of the labels of one series, given in the order of the file.

    Of a label that the clock showed twice, the one that comes first is the earlier hour (summer
    time); in a file with its newest row first, the later one.

    Parameters
    ----------
    clock
        Whose labels they are.
    ends
        They are of the ends of periods: the moment at which the clock is put forward may have the
        label it would have had without that.

    Raises
    ------
    DataError
        If a label is not of ``YEARS``, does not exist (spring), or one the clock showed twice is
        not there twice (autumn), since then its hour cannot be known.
    """
    if not labels:
        return []
    newest_first = labels[0][1] > labels[-1][1]
    expected = {label: is_twofold(label, clock) for _, label in labels}
    count = Counter(label for _, label in labels)
    seen: dict[dt.datetime, int] = defaultdict(int)
    times = []
    for row, label in labels:
        fold = 0
        if label.year not in YEARS:
            raise row.error(column, f"is not of the years {YEARS[0]} to {YEARS[-1]}")
        if expected[label]:
            if count[label] != 2:
                raise row.error(
                    column,
                    f"is there {count[label]} times but the clock showed it twice, so its hour "
                    "cannot be known",
                    hint="give both hours (a value may be blank), or export the file in UTC",
                )
            fold = int(seen[label] != newest_first)
            seen[label] += 1
        elif is_skipped(label, clock) and not (ends and _is_jump(label, clock)):
            raise row.error(
                column,
                "does not exist, the clocks were put forward",
                hint="leave that hour out or its value blank",
            )
        times.append(int(label.replace(tzinfo=clock, fold=fold).timestamp()))
    return times


def _is_jump(label: dt.datetime, clock: dt.tzinfo) -> bool:
    return not is_skipped(label - dt.timedelta(seconds=1), clock)
