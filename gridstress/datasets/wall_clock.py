"""German wall-clock labels as moments.

In spring an hour is missing from the clock, in autumn one comes twice.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from gridstress.datasets.table import Row

BERLIN = ZoneInfo("Europe/Berlin")
_STEADY = {
    "UTC": dt.UTC,
    "CET": dt.timezone(dt.timedelta(hours=1)),
    "CEST": dt.timezone(dt.timedelta(hours=2)),
}


def steady_time_s(label: dt.datetime, clock: str) -> int:
    """Epoch seconds of a label on a clock that does not jump: UTC, CET or CEST."""
    return int(label.replace(tzinfo=_STEADY[clock]).timestamp())


def is_skipped(label: dt.datetime) -> bool:
    """Whether the clocks in Germany jumped over this label, in spring."""
    there_and_back = label.replace(tzinfo=BERLIN).astimezone(dt.UTC).astimezone(BERLIN)
    return there_and_back.replace(tzinfo=None) != label


def is_twofold(label: dt.datetime) -> bool:
    """Whether the clocks in Germany showed this label twice, in autumn."""
    first, second = (label.replace(tzinfo=BERLIN, fold=fold) for fold in (0, 1))
    return first.utcoffset() != second.utcoffset() and not is_skipped(label)


def wall_times_s(labels: Sequence[tuple[Row, dt.datetime]], column: str) -> list[int]:
    """Epoch seconds of the labels of one series, given in the order of the file.

    Of a label that the clock showed twice, the one that comes first is the earlier hour (summer
    time); in a file with its newest row first, the later one.

    Raises
    ------
    DataError
        If a label does not exist (spring), or one the clock showed twice is not there twice
        (autumn), since then its hour cannot be known.
    """
    if not labels:
        return []
    newest_first = labels[0][1] > labels[-1][1]
    expected = {label: is_twofold(label) for _, label in labels}
    count = Counter(label for _, label in labels)
    seen: dict[dt.datetime, int] = defaultdict(int)
    times = []
    for row, label in labels:
        fold = 0
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
        elif is_skipped(label):
            raise row.error(
                column,
                "does not exist, the clocks were put forward",
                hint="leave that hour out or its value blank",
            )
        times.append(int(label.replace(tzinfo=BERLIN, fold=fold).timestamp()))
    return times
