"""Writes ``docs/settings.md`` from the settings, so that the page cannot fall behind."""

from typing import Any

from gridstress.settings import ENV_PREFIX, Settings

HEAD = """# Settings

Read from the environment, then from `.env`, then the default. `gridstress config show` prints the
values in force and where each comes from, `gridstress config check` looks for mistakes. This page
is made by `python -m gridstress.settings_page > docs/settings.md`.

| name | default | meaning and reason |
|---|---|---|
"""


def page() -> str:
    """The page, as Markdown."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    tail = (
        "\nAny setting of Faust itself can be overridden on purpose with the prefix "
        "`GRIDSTRESS_FAUST_`, such as `GRIDSTRESS_FAUST_PRODUCER_LINGER=0.005`.\n"
    )
    return HEAD + "".join(rows) + tail


def _row(name: str, field: Any) -> str:
    return f"| `{ENV_PREFIX}{name.upper()}` | `{field.default}` | {field.description} |\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
