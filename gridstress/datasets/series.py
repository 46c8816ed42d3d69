"""A load series: what every reader returns and the replayer takes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from topology.errors import DataError

NATIONAL = "national"
"""Column of a series that knows the whole country's load, not its zones'."""

UNNAMED = ""
"""Column of a series from a file that does not name its zone, until the user does."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive missing values of one zone, half-open, in event time (UTC)."""

    zone: str
    start: pd.Timestamp
    end: pd.Timestamp
    rows: int


@dataclass(frozen=True)
class LoadSeries:
    """Mean load in MW of some zones, on a regular grid of times.

    Parameters
    ----------
    values
        One row a period, labelled with its start (UTC, ascending, every ``period_s`` seconds
        without exception), one float column a zone; NaN where the source has no value. A format's
        reader may give ``NATIONAL`` beside the country's zones, ``read_load`` gives one or the
        other; ``UNNAMED`` comes from readers only.
    period_s
        Seconds that each value stands for, 1 to 86,400.
    source
        Short name of where it came from, such as ``opsd``; part of a run's default name.
    credit
        Who has to be named where the data are shown.
    synthetic
        Whether the values were made up by a generator (True) or measured (False); None where the
        source does not say.
    collection
        Whether zones are called as on the ENTSO-E platform (``FR``, ``NO_1``), with the German
        control zones as in ``GERMAN_ZONES``: a grid takes its own of them, and the names say which
        contain others.
    whole
        Whether the user chose the one zone: it is the load of a whole grid that has no zone of its
        name.
    country
        Code of the country whose load ``NATIONAL`` is, if the source is of one country.
    """

    values: pd.DataFrame
    period_s: int
    source: str
    credit: str = ""
    synthetic: bool | None = None
    collection: bool = False
    whole: bool = False
    country: str = ""

    def __post_init__(self) -> None:
        index = self.values.index
        if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC":
            raise ValueError("a load series needs a UTC DatetimeIndex")
        steps = index[1:] - index[:-1]
        if len(index) == 0 or (steps != pd.Timedelta(seconds=self.period_s)).any():
            raise ValueError(f"a load series needs a row every {self.period_s} s, and at least one")

    @property
    def zones(self) -> tuple[str, ...]:
        """Column names, in the order of the source."""
        return tuple(str(column) for column in self.values.columns)

    @property
    def is_national(self) -> bool:
        """Whether this is the load of a country alone."""
        return self.zones == (NATIONAL,) or (self.collection and self.zones == ("DE",))

    @property
    def start(self) -> pd.Timestamp:
        """Start of the first period."""
        return pd.Timestamp(self.values.index[0])

    @property
    def end(self) -> pd.Timestamp:
        """End of the last period."""
        return pd.Timestamp(self.values.index[-1]) + pd.Timedelta(seconds=self.period_s)

    def gaps(self) -> Iterator[Gap]:
        """Missing values, zone by zone in column order, each gap once."""
        period = pd.Timedelta(seconds=self.period_s)
        for zone in self.zones:
            missing = self.values[zone].isna()
            blocks = (missing != missing.shift()).cumsum()[missing]
            for _, block in blocks.groupby(blocks):
                first, last = pd.Timestamp(block.index[0]), pd.Timestamp(block.index[-1])
                yield Gap(zone, first, last + period, len(block))

    def between(self, start: pd.Timestamp | None, until: pd.Timestamp | None) -> "LoadSeries":
        """Keep the periods that start in ``[start, until)``; None leaves that side open.

        Raises
        ------
        DataError
            If nothing is left, naming what the series covers.
        """
        index = self.values.index
        keep = pd.Series(True, index=index)
        if start is not None:
            keep &= index >= start
        if until is not None:
            keep &= index < until
        if not keep.any():
            raise DataError(
                f"no data between {start or 'the beginning'} and {until or 'the end'}: "
                f"{self.source} covers {self.start:%Y-%m-%dT%H:%MZ} to {self.end:%Y-%m-%dT%H:%MZ}",
                hint="choose --start and --until inside that",
            )
        return replace(self, values=self.values[keep])
