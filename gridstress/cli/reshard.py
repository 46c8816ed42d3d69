"""``gridstress reshard``: change the number of partitions of a system that has data."""

from pathlib import Path
from typing import Annotated

import typer

from gridstress.cli.options import Broker, Topology, say
from gridstress.logs import quiet_client


def reshard(
    partitions: Annotated[int, typer.Argument(min=1, max=1024, help="How many there shall be.")],
    backup: Annotated[
        Path, typer.Option(help="File in which the measurements are kept meanwhile, and after.")
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a file that an earlier try has written.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before topics are deleted.")
    ] = False,
    topology: Topology = None,
    broker: Broker = None,
) -> None:
    """Change the number of partitions: keep the measurements, make the topics anew, send again.

    Stop feeds, workers and the archive first. Every result is computed again from the
    measurements; dead letters stay. Exit codes: 1 refused, 2 wrong usage, 3 broker, 4 the file.
    """
    import asyncio

    from gridstress.admin.reshard import drop_topics, save, send_again, without_archive
    from gridstress.kafka.probe import is_embedded
    from gridstress.settings import load_settings
    from topology.errors import UsageError
    from topology.loaders import load_grid

    if resume != backup.is_file():
        raise UsageError(
            f"{backup} is not there to go on with" if resume else f"{backup} is there already",
            hint="" if resume else "name another file, or go on with it: --resume",
        )
    settings = load_settings(broker=broker, topology=topology, partitions=partitions)
    grid = load_grid(settings.topology)
    quiet_client()

    async def run() -> None:
        if await is_embedded(settings.kafka):
            raise UsageError(
                "the embedded broker forgets everything when it stops",
                hint=f"GRIDSTRESS_PARTITIONS={partitions} gridstress up, and replay again",
            )
        saved = None if resume else await save(settings, backup)
        if saved is not None:
            say(f"{saved.frames:,} frames are in {backup}")
        question = "Delete all topics but the dead letters and the runs' records?"
        if not yes and not typer.confirm(question, err=True):
            raise typer.Exit(1)
        await drop_topics(settings, saved)
        say(f"the topics are deleted; should anything fail now: --resume --backup {backup}")
        say(f"{await send_again(settings, grid, backup):,} frames sent again")

    with without_archive(settings.archive_dir):
        asyncio.run(run())
    say(f"set GRIDSTRESS_PARTITIONS={partitions} for workers, feeds and replays, and start them")
