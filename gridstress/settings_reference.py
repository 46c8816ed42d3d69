"""The settings as documents: ``docs/settings.md``, ``.env.example``, the dashboard's table."""

import textwrap
from typing import Any

from gridstress.group_settings.fingerprint import RESULT_SETTINGS
from gridstress.settings import ENV_PREFIX, Settings

HEAD = """# Settings

Read from the environment, then from `.env`, then the default. `gridstress config show` prints the
values in force and where each comes from, `gridstress config check` looks for mistakes. This page
is made by `python -m gridstress.settings_reference > docs/settings.md`, and so is
[.env.example](../.env.example), which has the same to be copied, by
`python -m gridstress.settings_reference --env > .env.example`.

| name | default | meaning and reason |
|---|---|---|
"""

ENV_HEAD = """\
# Copy this file to .env and take the "#" from what you want to change. What stands here are the
# defaults. The environment goes before .env.
"""


def setting_meanings() -> dict[str, str]:
    """What each setting is for, by the variable's name."""
    return {
        f"{ENV_PREFIX}{name}".upper(): field.description or ""
        for name, field in Settings.model_fields.items()
    }


def page() -> str:
    """The page, as Markdown."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    tail = (
        "\nAny setting of Faust itself can be overridden on purpose with the prefix "
        "`GRIDSTRESS_FAUST_`, such as `GRIDSTRESS_FAUST_PRODUCER_LINGER=0.005`.\n"
    )
    return HEAD + "".join(rows) + _shared() + tail


def _shared() -> str:
    names = ("models", "topology", *RESULT_SETTINGS)
    return (
        "\nThese decide results, so all workers of a group have the same: "
        + ", ".join(f"`{ENV_PREFIX}{name.upper()}`" for name in names)
        + ". The first worker of a group settles them, one that differs does not start, and "
        "[operations.md](operations.md#other-settings-for-a-group) says how to change them. What "
        "the topology is called and where its nodes lie on the map may differ.\n"
    )


def _row(name: str, field: Any) -> str:
    return f"| `{ENV_PREFIX}{name.upper()}` | `{field.default}` | {field.description} |\n"


def example() -> str:
    """The example of a ``.env``: every setting, its reason and its default, all commented out."""
    return ENV_HEAD + "".join(_entry(name, field) for name, field in Settings.model_fields.items())


def _entry(name: str, field: Any) -> str:
    why = textwrap.indent(textwrap.fill(field.description, 98), "# ")
    default = "" if field.default is None else field.default
    return f"\n{why}\n#{ENV_PREFIX}{name.upper()}={default}\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(example() if "--env" in sys.argv[1:] else page())
