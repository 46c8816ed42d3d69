"""`gridstress doctor`: check whether this machine can run gridstress."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gridstress.settings import Settings


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON.")] = False,
    fix_topics: Annotated[
        bool,
        typer.Option(
            "--fix-topics",
            help="First set what the topics have otherwise: retention, compaction, durability.",
        ),
    ] = False,
) -> None:
    """Check Python, packages, broker, topics, clock, ports, directories and disk; say what to do.

    Exit codes: 0 all is well, 1 something is not, 3 the broker refuses to change a topic.
    """
    from gridstress.admin.doctor import examine
    from gridstress.local.launcher import here
    from gridstress.settings import load_settings

    settings = load_settings()
    if fix_topics:
        _fix_topics(settings)
    findings = examine(settings, here())
    well = all(finding.ok for finding in findings)
    if as_json:
        values = [asdict(finding) for finding in findings]
        typer.echo(json.dumps({"ok": well, "findings": values}))
    else:
        for finding in findings:
            detail, hint = (t.replace("\n", "\n      ") for t in (finding.detail, finding.hint))
            typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {detail}")
            if not finding.ok:
                typer.echo(f"      -> {hint}")
    if not well:
        raise typer.Exit(1)


def _fix_topics(settings: "Settings") -> None:
    import asyncio

    from gridstress.kafka.topic_drift import drift, set_as_wanted

    found = asyncio.run(drift(settings))
    asyncio.run(set_as_wanted(settings, found))
    for difference in found:
        typer.echo(f"set: {difference.topic} {difference.key}={difference.wanted}", err=True)
