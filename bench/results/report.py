"""A result as Markdown, for ``docs/performance.md``: the targets, and a table a part."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.results.peers import PART as PEERS
from bench.results.peers import peer_table
from bench.results.results import Figure, Results
from bench.results.stats import text
from bench.results.tables import describe, with_unit
from bench.results.targets import judge, two_workers

TARGET_COLUMNS = ("", "at least", "aim", "measured", "")
TITLES: Mapping[str, str] = {
    "curve": "Latency over the rate",
    "latency": "Latency at half the rate",
    "trace": "Where the time of a row goes",
    "rate": "Rate",
    "large": "100,000 nodes",
    "workers": "Workers",
    "windows": "Windows",
    "start": "Start-up",
    "kills": "Recovery",
    "up": "gridstress up",
    PEERS: "Peers",
}
"""By part, in the order of the page."""
LISTED = ("large", "start", "kills", "up")
"""Parts whose figures have little in common: a row each."""
ROLE_WORDS: Mapping[str, str] = {
    "worker": "views in a process of their own, not counted",
    "all": "views in each worker, counted",
}


def markdown(results: Results) -> str:
    """Machine, targets and the tables of all parts that were measured."""
    about = results.about
    machine = ", ".join(f"{name} {value}" for name, value in about["machine"].items())
    versions = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    lines = [
        f"{about['at'][:10]}, commit {about['commit'] or 'unknown'}. {machine}. {versions}.",
        *(f"\n**{note}**" for note in results.notes),
        "\n## Targets",
        *table(TARGET_COLUMNS, _target_rows(results)),
    ]
    for part, title in TITLES.items():
        if figures := [figure for figure in results.figures if figure.part == part]:
            lines += [f"\n## {title}", *table(*_rows(results, part, figures))]
        if part == "workers":
            lines += _two_against_one(results)
    return "\n".join(lines) + "\n"


def _rows(
    results: Results, part: str, figures: Sequence[Figure]
) -> tuple[list[str], list[list[str]]]:
    if part == PEERS:
        return peer_table(results)
    return listed(figures) if part in LISTED else crossed(figures)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; numbers, behind the first column, to the right."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return [f"| {' | '.join(row)} |" for row in (columns, rule, *rows)]


def listed(figures: Sequence[Figure]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, a row a figure."""
    names = case_names([figure.case for figure in figures])
    rows = [
        [", ".join(filter(None, (figure.name, name))), with_unit(*_median(figure)), _range(figure)]
        for figure, name in zip(figures, names, strict=True)
    ]
    return ["", "median", "least to most"], rows


def crossed(figures: Sequence[Figure]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, a row a case and a column a figure: its median and range."""
    columns = {figure.name: f"{figure.name}, {figure.unit}" for figure in figures}
    cases = list({str(dict(figure.case)): figure.case for figure in figures}.values())
    rows = []
    for case, name in zip(cases, case_names(cases), strict=True):
        found = {figure.name: figure for figure in figures if figure.case == case}
        cells = [_cell(found[column]) if column in found else "" for column in columns]
        rows.append([name, *cells])
    return ["", *columns.values()], rows


def case_names(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name each of several cases by what is not the same in all of them."""
    keys = dict.fromkeys(key for case in cases for key in case)
    varied = [key for key in keys if len({case[key] for case in cases if key in case}) > 1]
    if not varied:
        return [describe(case) for case in cases]
    return [", ".join(_word(key, case[key]) for key in varied if key in case) for case in cases]


def _word(key: str, value: Any) -> str:
    if key == "span":
        return f"size/step {value}"
    return f"{key} {value}" if key in ("workers", "role") else str(value)


def _target_rows(results: Results) -> list[list[str]]:
    """All targets, those that were not measured included."""
    rows = []
    for verdict in judge(results):
        target = verdict.target
        values = [with_unit(v, target.unit) for v in (target.least, target.aim, verdict.value)]
        rows.append([target.name, *values[:2], values[2] or "not measured", verdict.word])
    return rows


def _two_against_one(results: Results) -> list[str]:
    ratios = {words: two_workers(results, role) for role, words in ROLE_WORDS.items()}
    found = [f"{with_unit(ratio, 'x')} ({words})" for words, ratio in ratios.items() if ratio]
    intro = "Processor time, two workers together against one: "
    return [f"\n{intro}{'; '.join(found)}."] if found else []


def _median(figure: Figure) -> tuple[float, str]:
    return figure.spread.median, figure.unit


def _range(figure: Figure) -> str:
    found = figure.spread
    return f"{text(found.low)} to {text(found.high)}" if found.count > 1 else ""


def _cell(figure: Figure) -> str:
    spread = _range(figure)
    return text(figure.spread.median) + (f" ({spread})" if spread else "")
