"""`gridstress doctor`: what is missing before this machine can run gridstress."""

import json
from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON.")] = False,
) -> None:
    """Check Python, packages, broker, topics, clock, ports, directories, disk; say what to do.

    Exit codes: 0 all is well, 1 something is not.
    """
    from gridstress.doctor import examine
    from gridstress.launcher import here
    from gridstress.settings import load_settings

    findings = examine(load_settings(), here())
    well = all(finding.ok for finding in findings)
    if as_json:
        values = [finding.to_dict() for finding in findings]
        typer.echo(json.dumps({"ok": well, "findings": values}))
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
            if not finding.ok:
                typer.echo(f"      -> {finding.hint}")
    if not well:
        raise typer.Exit(1)
