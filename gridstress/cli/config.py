"""`gridstress config`: show the settings in force and their origin; check them."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gridstress.settings import Settings

app = typer.Typer(help="Show and check the settings (GRIDSTRESS_* and .env).", no_args_is_help=True)


@dataclass(frozen=True)
class Origin:
    """One setting with its value in force.

    Parameters
    ----------
    name
        Environment name, ``GRIDSTRESS_...``.
    value, default
        JSON-ready.
    source
        ``environment``, ``.env`` or ``default``.
    description
        Why it has its default.
    """

    name: str
    value: Any
    default: Any
    source: str
    description: str


def origins(settings: "Settings") -> list[Origin]:
    """Every setting, in the order in which `Settings` declares them."""
    from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

    from gridstress.settings import ENV_PREFIX, Settings

    from_environment = EnvSettingsSource(Settings)()
    from_file = DotEnvSettingsSource(Settings)()
    values = settings.model_dump(mode="json")
    defaults = Settings.model_construct().model_dump(mode="json")
    found = []
    for name, field in Settings.model_fields.items():
        source = "default"
        if name in from_environment:
            source = "environment"
        elif name in from_file:
            source = ".env"
        found.append(
            Origin(
                ENV_PREFIX + name.upper(),
                values[name],
                defaults[name],
                source,
                field.description or "",
            )
        )
    return found


def unknown_settings() -> list[str]:
    """One line for every ``GRIDSTRESS_`` name that no setting has, with the likely one."""
    import difflib

    from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

    from gridstress.settings import ENV_PREFIX, Settings

    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    sources: list[tuple[str, EnvSettingsSource]] = [
        ("environment", EnvSettingsSource(Settings)),
        (".env", DotEnvSettingsSource(Settings)),
    ]
    lines = []
    for where, source in sources:
        for given in sorted(source.env_vars):
            name = given.upper()
            if name.startswith(ENV_PREFIX) and name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                guess = f"; did you mean {near[0]}?" if near else ""
                lines.append(f"{name} ({where}) is not a setting{guess}")
    return lines


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
    from gridstress.kafka_connection import connection
    from gridstress.settings import load_settings
    from topology.errors import UsageError
    from ui.auth import refuse_exposed

    problems = unknown_settings()
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
