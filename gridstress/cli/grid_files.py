"""What commands about grids share: print problems and assumptions, and write the file."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gridstress.cli.options import say
from gridstress.logs import printable
from topology.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topology.grid import Grid
    from topology.loaders.validation import Problem


def refuse_to_replace(output: Path, force: bool) -> None:
    """Raise UsageError if the file exists, unless it is to be replaced."""
    if output.exists() and not force:
        raise UsageError(f"{output} exists", hint="name another file, or use --force")


def write_grid(grid: "Grid", output: Path) -> None:
    """Write a grid as our JSON, and print what of it is assumed and how large it is.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    from topology.loaders import to_json

    try:
        output.write_bytes(to_json(grid))
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    for line in assumptions_of(grid):
        say(line)
    typer.echo(f"wrote {output}: {len(grid.nodes)} nodes, {len(grid.lines)} lines")


def assumptions_of(grid: "Grid") -> list[str]:
    """What was assumed of a grid, in words, a line a field."""
    lines = []
    for field, words in grid.assumptions.items():
        if count := sum(field in node.assumed for node in grid.nodes):
            text = f"assumed: {field} of {count} of {len(grid.nodes)} nodes: {words}"
            lines.append(printable(text))
    unloaded = sum(node.share == 0 and node.known_rating_mw is None for node in grid.nodes)
    if unloaded:
        lines.append(f"{unloaded} nodes have no load, and no rating")
    return lines


def print_problems(problems: "Iterable[Problem]") -> None:
    """Print problems and their fixes on stderr."""
    for problem in problems:
        say(f"{problem.level}: {problem}")
        say(f"  fix: {problem.fix}")
