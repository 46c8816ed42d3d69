"""Options of every command that reads a load file, in one place.

A command takes them as one parameter, ``reading: LoadOptions``, under ``@with_load_options``.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gridstress.cli.options import say

if TYPE_CHECKING:
    import pandas as pd

    from gridstress.datasets.mapping import Mapping
    from gridstress.datasets.series import LoadSeries
    from topology.grid import Grid

PANEL = "Reading the load file"
_FLAGS = {
    "interval_end": "--interval-end/--interval-start",
    "decimal_comma": "--decimal-comma/--decimal-point",
}
"""Names of the options that are switched on or off."""


def _option(help_text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(
        *names, help=help_text, metavar=metavar, rich_help_panel=PANEL, show_default=False
    )


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to read a load file; each field is an option, described by its annotation."""

    zone: Annotated[
        str | None,
        _option("Zone to read of several, or of a file that does not name it (SMARD)."),
    ] = None
    map: Annotated[
        list[str] | None,
        _option(
            "Sum zones into a zone of the grid, or rename one: `A,B=north`; repeatable. Zones that "
            "none names are not read.",
            metavar="ZONE,ZONE=ZONE",
        ),
    ] = None
    resolution: Annotated[
        str | None,
        _option("Average finer data to this: 1h (by default), 30min, 15min, 5min, 1min."),
    ] = None
    on_gap: Annotated[
        Literal["skip", "interpolate", "fail"] | None,
        _option("Missing values: leave them out (default), draw a line across, or refuse."),
    ] = None
    time_column: Annotated[
        list[str] | None,
        _option("Column of the time stamps; twice for date and time.", metavar="NAME"),
    ] = None
    value_column: Annotated[str | None, _option("Column of the load.", metavar="NAME")] = None
    zone_column: Annotated[
        str | None, _option("Column of the zones' names, if there are several.", metavar="NAME")
    ] = None
    timezone: Annotated[
        str | None,
        _option("Clock of stamps without an offset: Europe/Paris, +10:00 or UTC.", metavar="CLOCK"),
    ] = None
    unit: Annotated[
        Literal["MW", "MWh", "kW", "GW"] | None,
        _option("Unit of the load; MWh are those of each period."),
    ] = None
    interval_end: Annotated[
        bool | None,
        _option("Stamps are of the end of each period, not its start.", _FLAGS["interval_end"]),
    ] = None
    time_format: Annotated[
        str | None,
        _option("How stamps are written, as strptime has it: '%d/%m/%Y %H:%M'.", metavar="FORMAT"),
    ] = None
    decimal_comma: Annotated[
        bool | None,
        _option("Numbers are written 1.234,50.", _FLAGS["decimal_comma"]),
    ] = None

    def arguments(self) -> list[str]:
        """The options that are given, as they are written on a command line."""
        arguments = []
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, bool):
                arguments.append(_FLAGS[one.name].split("/")[0 if value else 1])
            elif value != one.default:
                values = value if isinstance(value, list) else [value]
                arguments += [f"--{one.name.replace('_', '-')}={each}" for each in values]
        return arguments

    def mapping(self) -> "Mapping":
        """The zones, column names and notation that are given.

        Raises
        ------
        UsageError
            If an option has an invalid value.
        """
        from gridstress.datasets.mapping import Mapping
        from gridstress.datasets.zone_map import zone_map
        from topology.errors import DataError, UsageError

        given = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in ("resolution", "on_gap", "zone", "map"):
            del given[name]
        given["time_column"] = tuple(self.time_column or ()) or None
        mapping = Mapping(**given, zones=zone_map(self.map or ()))
        try:
            mapping.check()
        except DataError as error:
            raise UsageError(str(error), hint=error.hint) from None
        return mapping

    def zones(self, file: str) -> dict[str, str]:
        """Which zones of a load make which of the grid: as ``--map`` or the file beside it says.

        Raises
        ------
        UsageError, DataError
            If either is not valid.
        """
        from gridstress.datasets.catalog import file_of
        from gridstress.datasets.reading import full_mapping

        path = file_of(file)
        return (full_mapping(path, self.mapping()) if path else self.mapping()).zones

    def open(self, file: str) -> "LoadSeries":
        """Open a load file or named data set at its own resolution, with its gaps.

        Raises
        ------
        UsageError
            If the options do not go with the file.
        DataError
            With file, row, column and value.
        """
        from gridstress.datasets.catalog import open_load, own_file
        from gridstress.datasets.mapping import SUFFIX, mapping_beside

        mapping = self.mapping()
        if (path := own_file(file)) and mapping_beside(path):
            say(f"columns as {file}{SUFFIX} names them")
        return open_load(file, self.zone, mapping)

    def prepared(
        self,
        series: "LoadSeries",
        window: "tuple[pd.Timestamp | None, pd.Timestamp | None]" = (None, None),
        *,
        resolution: str | None = None,
    ) -> "LoadSeries":
        """Fill, average and cut a series as the options ask.

        Parameters
        ----------
        series
            As it is in the file: gaps are filled at its own resolution, as an hour is better known
            from its quarters.
        window
            The part to keep, ``[start, until)``.
        resolution
            Default of ``--resolution``; None keeps the file's own.

        Raises
        ------
        UsageError, DataError
            As ``resampled``, ``between`` and ``without_gaps``.
        """
        from gridstress.datasets.fitting import resampled, trimmed, without_gaps

        if self.on_gap == "interpolate":
            series = _filled(series)
        if wanted := self.resolution or resolution:
            series = trimmed(resampled(series, wanted))
        series = series.between(*window)
        return without_gaps(series, "fail") if self.on_gap == "fail" else series

    def for_grid(
        self,
        file: str,
        grid: "Grid",
        threshold: float,
        window: "tuple[pd.Timestamp | None, pd.Timestamp | None]" = (None, None),
    ) -> "LoadSeries":
        """Open a load, give it the zones of a grid, and prepare it; by default hourly.

        Of a grid whose zones the bundled year lacks, it is a synthetic year made for the grid.

        Parameters
        ----------
        threshold
            Utilisation above which a node is stressed.
        window
            The part to keep, ``[start, until)``.

        Raises
        ------
        UsageError, DataError
            As ``check_targets``, ``open``, ``fitted`` and ``prepared``.
        """
        from gridstress.datasets.catalog import is_bundled
        from gridstress.datasets.fitting import fitted
        from gridstress.datasets.zone_map import check_targets

        check_targets(self.zones(file), grid)
        series = self.open(file)
        if is_bundled(file) and not self.map:
            series = _bundled_for(grid, threshold, series)
        return self.prepared(fitted(series, grid), window, resolution="1h")


OPTION_NAMES = tuple(one.name for one in fields(LoadOptions))
"""Names of these options among the parameters of a command."""


def with_load_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options in place of its parameter ``reading``."""
    before = inspect.signature(command).parameters.values()
    after: list[inspect.Parameter] = []
    for one in before:
        if one.name != "reading":
            after.append(one.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        for option in fields(LoadOptions):
            after.append(
                inspect.Parameter(
                    option.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=option.default,
                    annotation=option.type,
                )
            )

    @functools.wraps(command)
    def run(**given: Any) -> None:
        options = {name: given.pop(name) for name in OPTION_NAMES}
        command(**given, reading=LoadOptions(**options))

    run.__signature__ = inspect.Signature(after)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in after}
    return run


def _filled(series: "LoadSeries") -> "LoadSeries":
    from gridstress.datasets.fitting import without_gaps

    filled = without_gaps(series, "interpolate")
    count = int(series.values.isna().to_numpy().sum() - filled.values.isna().to_numpy().sum())
    if count:
        say(f"{count:,} missing values were interpolated (--on-gap interpolate)")
    return filled


def _bundled_for(grid: "Grid", threshold: float, german: "LoadSeries") -> "LoadSeries":
    """The German year's part for a grid of its zones with ratings of its own, else another year."""
    from gridstress.datasets.synthetic import STRESSED_PART, synthetic_year_for

    assumed = any("rating_mw" in node.assumed for node in grid.nodes)
    if set(grid.zones) <= set(german.zones) and not assumed:
        return replace(german, values=german.values[list(grid.zones)])
    series = synthetic_year_for(grid, threshold)
    named = ", ".join(series.zones) if len(series.zones) <= 10 else f"all {len(series.zones)}"
    say(
        f"note: the bundled year does not fit grid {grid.name!r}; in its place a synthetic year "
        f"for the grid's zones ({named}), scaled so that {STRESSED_PART:.0%} of the node-hours "
        f"are above the stress threshold of {threshold:g}"
    )
    return series
