"""``gridstress dead-letters``: list and show refused records, and send them again."""

from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.options import time_of
from gridstress.logs import printable, quiet_client

if TYPE_CHECKING:
    from gridstress.admin.dead_letters import DeadLetter, DeadLetterFilter

app = typer.Typer(
    no_args_is_help=True, help="Look at records that the workers refused, and send them again."
)

Topic = Annotated[str | None, typer.Option(help="Only those that came from this topic.")]
Reason = Annotated[str | None, typer.Option(help="Only those refused for this reason.")]
Run = Annotated[str | None, typer.Option(help="Only those whose record names this run.")]
Since = Annotated[str | None, typer.Option(help="Only those refused since then (ISO-8601, UTC).")]


@app.command("list")
def list_dead_letters(
    topic: Topic = None,
    reason: Reason = None,
    run: Run = None,
    since: Since = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON record a line.")] = False,
) -> None:
    """List dead letters, the oldest first."""
    import json

    dead_letters = _read(_filter((), topic, reason, run, since))
    if as_json:
        for dead_letter in dead_letters:
            typer.echo(json.dumps(dead_letter.to_dict()))
        return
    if not dead_letters:
        typer.echo("no dead letters", err=True)
        return
    rows = [("id", "at", "topic", "stage", "reason", "detail")]
    rows += [(x.id, x.at, x.topic, x.stage, x.reason, x.detail) for x in dead_letters]
    lines = [[printable(cell) for cell in row] for row in rows]
    # A column is as wide as it must be, whatever the terminal: a cut id or topic is of no use.
    widths = [max(map(len, column)) for column in list(zip(*lines, strict=True))[:-1]]
    for *cells, detail in lines:
        padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
        typer.echo("  ".join([*padded, detail]))
    typer.echo(f"{len(dead_letters):,} dead letters", err=True)


@app.command()
def show(
    dead_letter_id: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="Its id.")],
) -> None:
    """Show one dead letter: where it came from, why it was refused, and what it holds."""
    from gridstress.admin.dead_letters import only, parse_id

    place = parse_id(dead_letter_id)
    dead_letter = only(_read(_filter((place,))), *place)
    for name, value in dead_letter.to_dict().items():
        typer.echo(f"{name + ':':<11}{printable(str('' if value is None else value))}")
    typer.echo()
    typer.echo(dead_letter.pretty())


@app.command()
def replay(
    dead_letter_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PARTITION:OFFSET]...", help="Only these; all by default."),
    ] = None,
    topic: Topic = None,
    reason: Reason = None,
    run: Run = None,
    since: Since = None,
    as_run: Annotated[
        str | None,
        typer.Option(
            help="Send measurements as this run instead of their own: nothing of a new run has "
            "been seen, so all of it counts."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, send nothing.")
    ] = False,
) -> None:
    """Send dead letters back to where they came from, byte for byte, each record once.

    For after a fix, such as a node that the topology lacked. What cannot be used is refused
    again.

    Rows count by their numbers: where a zone has gone on to higher numbers in the meantime, rows
    sent again are taken for repeats and do not count any more. Dead letters that are `late` or
    `ahead` are therefore left out unless asked for by --reason or id, and stay so. Use --as-run
    to have such measurements in a run of their own.
    """
    import asyncio
    from collections import Counter

    from gridstress.admin.dead_letters import PASSED, parse_id, plan_replay
    from gridstress.admin.redeliver import redeliver
    from gridstress.kafka.topics import sources
    from gridstress.settings import load_settings
    from topology.errors import DataError, UsageError

    if as_run is not None and not 1 <= len(as_run) <= 120:
        raise UsageError(f"--as-run {as_run!r} has {len(as_run)} characters; 1 to 120 are allowed")
    places = tuple(map(parse_id, dead_letter_ids or ()))
    dead_letters = _read(_filter(places, topic, reason, run, since))
    there = {(dead_letter.partition, dead_letter.offset) for dead_letter in dead_letters}
    if lost := [place for place in places if place not in there]:
        raise DataError(
            f"no dead letter {lost[0][0]}:{lost[0][1]} (of those that the options mean)",
            hint="`gridstress dead-letters list` shows all",
        )
    settings = load_settings()
    plan = plan_replay(
        dead_letters,
        read=sources(settings.model_names),
        passed=bool(places) or reason in PASSED,
        as_run=as_run,
    )
    for text in plan.left[:10]:
        typer.echo(f"left out: {printable(text)}", err=True)
    if len(plan.left) > 10:
        typer.echo(f"left out: {len(plan.left) - 10:,} more", err=True)
    if dry_run:
        counts = Counter(dead_letter.topic for dead_letter in plan.dead_letters)
    else:
        counts = asyncio.run(redeliver(settings, plan.dead_letters))
    verb = "would send" if dry_run else "sent"
    for name, count in sorted(counts.items()):
        typer.echo(f"{verb} {count:,} records to {name}")
    typer.echo(
        f"{verb} {counts.total():,} records for {len(dead_letters):,} dead letters: "
        f"{plan.repeated:,} are of a record that another has, {len(plan.left):,} left out"
    )


@app.command()
def skip(
    topic: Annotated[str, typer.Argument(help="A topic that the workers read.")],
    partition: Annotated[int, typer.Argument(min=0)],
    offset: Annotated[int, typer.Argument(min=0, help="Where the batch begins.")],
) -> None:
    """Have the workers pass over a batch that cannot be decoded; they name it when they end.

    Its records count nowhere. A dead letter keeps the batch; workers that meet the
    batch from now on go on behind it. What can be read is never passed over.
    """
    import asyncio

    from gridstress.admin.skipped_batches import skip_batch
    from gridstress.settings import load_settings

    quiet_client()
    dead_letter = asyncio.run(skip_batch(load_settings().kafka, topic, partition, offset))
    typer.echo(
        f"{topic}/{partition}: workers skip offsets {offset} to {(dead_letter.upto or 0) - 1}; "
        f"dead letter {dead_letter.id} has the batch"
    )


def _filter(
    ids: tuple[tuple[int, int], ...],
    topic: str | None = None,
    reason: str | None = None,
    run: str | None = None,
    since: str | None = None,
) -> "DeadLetterFilter":
    from gridstress.admin.dead_letters import DeadLetterFilter

    since_s = None if since is None else time_of("since", since)
    return DeadLetterFilter(ids, topic, reason, run, since_s)


def _read(wanted: "DeadLetterFilter") -> list["DeadLetter"]:
    import asyncio

    from gridstress.admin.dead_letters import read_dead_letters
    from gridstress.settings import load_settings

    quiet_client()
    return asyncio.run(read_dead_letters(load_settings().kafka, wanted))
