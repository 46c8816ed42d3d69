"""The report as one HTML file that needs nothing else: figures, their script, tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from gridstress import __version__
from gridstress.compare import figures as draw
from gridstress.compare.comparison import Comparison
from gridstress.compare.measures import PairMeasures
from gridstress.compare.report import (
    SHOWN,
    contingency_line,
    interval,
    model_rows,
    pair_rows,
    verdicts,
)
from gridstress.compare.score import Score
from gridstress.compare.sweep import Outcome
from topology.clock import to_iso
from topology.errors import UsageError
from topology.models import title_of

CONFIG = {"displayModeBar": False, "responsive": True}


@dataclass(frozen=True)
class Figure:
    """A figure as a piece of HTML."""

    title: str
    div: str


@dataclass(frozen=True)
class Section:
    """A part of the report; each piece of it may be missing."""

    title: str
    texts: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    figures: list[Figure] = field(default_factory=list)


def write_report(
    path: Path,
    comparison: Comparison,
    score: Score | None = None,
    swept: Sequence[Outcome] = (),
) -> None:
    """Write the report; what is not given is left out of it.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    grid, step_s = comparison.grid, comparison.step_s
    template = Environment(autoescape=True).from_string(
        files("gridstress.compare").joinpath("report.html").read_text(encoding="utf-8")
    )
    page = template.render(
        name=comparison.name,
        title="The models compared" if len(comparison.periods) == 1 else "Two runs compared",
        periods=[
            (period.run, to_iso(period.ends_s[0] - step_s), to_iso(period.ends_s[-1]))
            for period in comparison.periods
        ],
        grid=grid.name,
        credit=grid.credit,
        windows=f"{len(comparison.ends_s):,}",
        nodes=f"{len(grid.nodes):,}",
        lines=f"{len(grid.lines):,}",
        sections=list(_sections(comparison, score, swept)),
        plotly=get_plotlyjs(),
        version=__version__,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _sections(
    comparison: Comparison, score: Score | None, swept: Sequence[Outcome]
) -> Iterator[Section]:
    yield Section(
        "Each model",
        ["An episode lasts from the moment a node's risk reaches a level until it has fallen."],
        ["", *map(comparison.title_of, comparison.models)],
        model_rows(comparison),
        [
            _piece("Nodes in alarm over time", draw.alarms_figure(comparison)),
            _piece("Episodes by highest level", draw.levels_figure(comparison)),
        ],
    )
    for pair in comparison.pairs:
        yield _pair_section(comparison, pair)
    if score is not None:
        yield _score_section(score)
    if swept:
        yield from _sweep_sections(swept)


def _pair_section(comparison: Comparison, pair: PairMeasures) -> Section:
    return Section(
        " and ".join(map(comparison.title_of, (pair.first, pair.second))),
        [
            "Jaccard is what both say over what either says, in node-hours in alarm. Rank "
            "correlations compare the whole order of the nodes, window by window."
        ],
        (),
        pair_rows(comparison, pair),
        [
            _piece("Agreement over time", draw.agreement_figure(comparison, pair)),
            _piece("Node by node", draw.nodes_figure(comparison, pair)),
            _piece("Zone by zone", draw.zones_figure(pair)),
        ],
    )


def _score_section(score: Score) -> Section:
    rows = [
        [
            title_of(name),
            *(interval(marks.means[measure]) for measure in SHOWN),
            interval(marks.overall["spearman"]),
        ]
        for name, marks in score.marks.items()
    ]
    return Section(
        "Against DC power flow",
        [
            f"For each of {score.sources:,} nodes: which others does more load there concern most? "
            "Power flow answers with the power that passes them more. Means over the nodes asked, "
            "with 95 % bootstrap intervals; distance and degree are baselines.",
            *verdicts(score),
            contingency_line(score),
        ],
        ["", *SHOWN.values(), "whole grid"],
        rows,
        [_piece("", draw.score_figure(score))],
    )


def _sweep_sections(swept: Sequence[Outcome]) -> Iterator[Section]:
    for pair in swept[0].jaccard:
        names = " and ".join(title_of(model) for model in pair.split(", "))
        yield Section(
            f"If a parameter were another: {names}",
            ["One is changed, the others stay as they were in the run (*)."],
            figures=[
                _piece(parameter, draw.sweep_figure(swept, parameter, pair))
                for parameter in dict.fromkeys(outcome.variation.parameter for outcome in swept)
            ],
        )


def _piece(title: str, figure: go.Figure) -> Figure:
    return Figure(
        title,
        to_html(figure, include_plotlyjs=False, full_html=False, config=CONFIG),
    )
