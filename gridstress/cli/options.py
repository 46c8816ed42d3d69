"""Options, times and messages that several commands share."""

from typing import TYPE_CHECKING, Annotated

import typer

from topology.clock import from_iso
from topology.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

Topology = Annotated[str | None, typer.Option(help="The grid, if not the one in the settings.")]
Broker = Annotated[str | None, typer.Option(help="kafka://host:port, if not that of the settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]

GridName = Annotated[
    str,
    typer.Argument(
        metavar="GRID",
        help="`germany`, or a .json, .graphml or MATPOWER .m file, or a CSV folder of PyPSA or "
        "PyPSA-Eur.",
    ),
]


def say(text: str) -> None:
    """Print a message for the user, on stderr."""
    typer.echo(text, err=True)


def time_of(option: str, text: str) -> float:
    """Parse a time option (ISO-8601, UTC unless it has an offset) into epoch seconds.

    Raises
    ------
    UsageError
        If it is no time.
    """
    try:
        return from_iso(text)
    except (ValueError, OverflowError):
        raise UsageError(f"--{option} {text!r} is not a time like 2025-01-31T18:00Z") from None


def span(start: str | None, until: str | None) -> "tuple[pd.Timestamp | None, pd.Timestamp | None]":
    """What ``--start`` and ``--until`` were given, None for what was not.

    Raises
    ------
    UsageError
        If one is no time.
    """
    import pandas as pd

    begin, end = (
        None if text is None else pd.Timestamp(time_of(option, text), unit="s", tz="UTC")
        for option, text in (("start", start), ("until", until))
    )
    return begin, end
