"""`gridstress config`: which settings are in force, where from, and whether they fit."""

import json
from typing import Annotated

import typer

app = typer.Typer(help="Show and check the settings (GRIDSTRESS_* and .env).", no_args_is_help=True)


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Write the settings as JSON.")] = False,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Say for each why it has its default.")
    ] = False,
) -> None:
    """Show every setting: the value in force and where it comes from.

    Exit codes: 0 fine, 2 a setting is wrong.
    """
    from dataclasses import asdict

    from gridstress.settings import load_settings
    from gridstress.settings_origin import origins

    found = origins(load_settings())
    if as_json:
        typer.echo(json.dumps({"settings": [asdict(origin) for origin in found]}))
        return
    width = max(len(origin.name) for origin in found)
    for origin in found:
        was = "" if origin.source == "default" else f"; default {origin.default}"
        typer.echo(f"{origin.name:<{width}}  {origin.value}  ({origin.source}{was})")
        if reasons:
            typer.echo(f"{'':<{width}}  {origin.description}")


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Check that every setting is known, valid, and fits the others.

    Exit codes: 0 fine, 2 a setting is wrong or unknown.
    """
    from gridstress.kafka_security import connection
    from gridstress.settings import load_settings
    from gridstress.settings_origin import strangers
    from topology.errors import UsageError
    from ui.auth import refuse_exposed

    problems = strangers()
    try:
        settings = load_settings()
        connection(settings.kafka)  # reads the certificates
        for what, bind, setting in (
            ("the worker's API", settings.web_bind, "GRIDSTRESS_WEB_BIND"),
            ("the dashboard", settings.ui_bind, "GRIDSTRESS_UI_BIND"),
        ):
            refuse_exposed(what, bind, setting, token=settings.token, insecure=settings.insecure)
    except UsageError as error:
        problems = [str(error), *problems]
    if as_json:
        typer.echo(json.dumps({"ok": not problems, "problems": problems}))
    else:
        for problem in problems:
            typer.echo(problem, err=True)
        if not problems:
            typer.echo("all settings are fine")
    if problems:
        raise typer.Exit(2)
