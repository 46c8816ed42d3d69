"""``gridstress settings``: the settings that all workers of a group share."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.options import say
from gridstress.logs import printable, quiet_client

if TYPE_CHECKING:
    from gridstress.admin.accept_settings import Change
    from gridstress.group_settings.rule import Mine
    from gridstress.settings import Settings

app = typer.Typer(
    help="The settings that all workers of a group share: show them, replace them.",
    no_args_is_help=True,
)


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Write them as JSON.")] = False,
) -> None:
    """Show the settings of the group, and what differs from those in force here.

    Exit codes: 0 the same, 1 something differs or nothing is settled yet, 3 broker.
    """
    from gridstress.group_settings.rule import differences
    from gridstress.group_settings.settings_log import read_log
    from topology.errors import GridstressError

    settings, mine = _mine()
    group = asyncio.run(read_log(settings))
    if group is None:
        raise GridstressError(
            f"group {settings.group!r} has no settings yet", hint="its first worker settles them"
        )
    now, found = group.current, differences(group.current, mine)
    ended = sorted(group.ended_runs)
    if as_json:
        identity = {"id": now.id, "since": now.founded.at, "by": now.founded.by}
        plain = {
            **identity,
            "settings": dict(now.settings),
            "ended_runs": ended,
            "differences": found,
        }
        typer.echo(json.dumps({"group": settings.group, **plain}))
    else:
        typer.echo(f"group {settings.group}, settings {now.id}, since {now.founded.at}")
        width = max(map(len, now.settings))
        for name, value in sorted(now.settings.items()):
            typer.echo(f"{name:<{width}}  {value}")
        for run in ended:
            typer.echo(f"ended by a change of settings: {printable(run)}")
        if accept := group.announced:
            typer.echo(f"being replaced by {accept.by}, since {accept.at}")
        for line in found:
            typer.echo(f"differs: {line}")
    if found:
        raise typer.Exit(1)


@app.command()
def accept(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Replace the settings of the group by those in force here, and end the runs under way.

    Stop all workers of the group first. Nothing of the ended runs is worked on any more; what was
    reckoned stays. Exit codes: 1 refused, 2 workers are there, 3 broker.
    """
    from gridstress.admin.accept_settings import accept as replace
    from gridstress.admin.accept_settings import give_up, plan_accept

    settings, mine = _mine()
    change = asyncio.run(plan_accept(settings, mine))
    if not change.differences:
        if change.group.announced:
            asyncio.run(give_up(settings, mine))
            say("an accept that was broken off is taken back")
        say(f"group {settings.group} has these settings already")
        return
    _tell(change)
    if not yes and not typer.confirm("Accept these settings?", err=True):
        raise typer.Exit(1)
    group = asyncio.run(replace(settings, mine, change))
    say(f"group {settings.group} has settings {group.current.id}; start its workers with them")


def _mine() -> tuple["Settings", "Mine"]:
    from gridstress.group_settings.rule import Mine
    from gridstress.settings import load_settings
    from topology.loaders import load_grid

    quiet_client()
    settings = load_settings()
    return settings, Mine.of(settings, load_grid(settings.topology))


def _tell(change: "Change") -> None:
    for line in change.differences:
        say(f"changes: {line}")
    for run in sorted(change.runs):
        say(f"ends: {run}")
    if change.waiting:
        say(
            f"{change.waiting:,} records of these runs between the stages are not committed, and "
            "what does not count yet will be refused: to have all counted, let workers with the "
            "former settings finish first"
        )
