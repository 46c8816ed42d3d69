"""Show results as tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.harness.case import Case
from bench.results.results import Figure, Results
from bench.results.stats import text
from bench.results.targets import judge

COLUMNS = ("part", "figure", "case", "median", "least", "most", "runs")
TARGET_COLUMNS = ("target", "at least", "aim", "measured", "")


def rows(results: Results) -> list[list[str]]:
    """A row a figure, in words."""
    return [
        [figure.part, figure.name, describe(figure.case), *_numbers(figure)]
        for figure in results.figures
    ]


def target_rows(results: Results) -> list[list[str]]:
    """A row a target that could be judged, in words."""
    return [
        [
            verdict.target.name,
            with_unit(verdict.target.least, verdict.target.unit),
            with_unit(verdict.target.aim, verdict.target.unit),
            with_unit(verdict.value, verdict.target.unit),
            verdict.word,
        ]
        for verdict in judge(results)
        if verdict.value is not None
    ]


def describe(case: Mapping[str, Any]) -> str:
    """A case in words, what is usual left out."""
    known = {name: case[name] for name in Case().to_dict() if name in case}
    words = [str(Case(**known))] if len(known) > 1 else [str(value) for value in known.values()]
    return ", ".join([*words, *(str(v) for name, v in case.items() if name not in known)])


def with_unit(value: float | None, unit: str) -> str:
    """A value with its unit in words; empty without a value."""
    return "" if value is None else f"{text(value)} {unit}".strip()


def tables(results: Results) -> list[Table]:
    """Tables for a terminal: a part each, then the targets that could be judged."""
    found = []
    for part in dict.fromkeys(figure.part for figure in results.figures):
        lines = [row[1:] for row in rows(results) if row[0] == part]
        found.append(_table(part, COLUMNS[1:], lines, words=2))
    if judged := target_rows(results):
        found.append(_table("targets", TARGET_COLUMNS, judged, words=1))
    return found


def _table(title: str, columns: Sequence[str], found: list[list[str]], words: int) -> Table:
    table = Table(*columns[:words], title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in columns[words:]:
        table.add_column(name, justify="right")
    for row in found:
        table.add_row(*row)
    return table


def _numbers(figure: Figure) -> list[str]:
    found, unit = figure.spread, figure.unit
    spread = [text(found.low), text(found.high)] if found.count > 1 else ["", ""]
    return [with_unit(found.median, unit), *spread, str(found.count)]
