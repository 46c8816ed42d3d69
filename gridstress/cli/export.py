"""``gridstress export``: a stretch of a run as one page that can be sent by mail."""

from pathlib import Path
from typing import Annotated

import typer

from gridstress.cli.options import Topology, say, time_of


def export(
    run: Annotated[str, typer.Argument(help="An archived run (`gridstress history list`).")],
    begin: Annotated[str, typer.Option("--from", help="Begin at this event time (ISO-8601).")],
    end: Annotated[str, typer.Option("--to", help="End at this event time.")],
    html: Annotated[
        Path, typer.Option(help="The file to write: map, alarms and node histories, at most 5 MB.")
    ],
    topology: Topology = None,
) -> None:
    """Write a stretch of an archived run as one HTML file that makes no requests."""
    from gridstress.archive.query import read_archive
    from gridstress.archive.reading import ArchivedRun, archived_folder
    from gridstress.archive.storm import Storm, write_storm
    from gridstress.settings import load_settings
    from topology.loaders import load_grid

    span = time_of("from", begin), time_of("to", end)
    settings = load_settings(topology=topology)
    grid, home = load_grid(settings.topology), settings.archive_dir

    def written() -> int:
        archived = ArchivedRun(archived_folder(home, run))
        return write_storm(html, Storm(archived, grid, settings, *span))

    size = read_archive(home, written)
    say(f"wrote {html}: {size:,} bytes")
