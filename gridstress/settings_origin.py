"""Where each setting's value comes from, and names that look like settings but are none."""

import difflib
from dataclasses import dataclass
from typing import Any

from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from gridstress.settings import ENV_PREFIX, Settings


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


def origins(settings: Settings) -> list[Origin]:
    """Every setting, in the order in which `Settings` declares them."""
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


def strangers() -> list[str]:
    """One line for every ``GRIDSTRESS_`` name that no setting has, with the likely one."""
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
