"""Report a comparison: as a table for a person, as JSON for a program."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gridstress.compare.comparison import Comparison, Period
from gridstress.compare.measures import ModelMeasures, PairMeasures
from gridstress.compare.ranks import TOP, Interval
from gridstress.compare.score import Lead, Score
from gridstress.compare.sweep import Outcome
from gridstress.logs import printable
from gridstress.verify.episodes import LEVELS
from topology.clock import to_iso
from topology.models import short_title_of, title_of
from topology.physics.contingency import IDLE_WORDS

SHOWN = {"spearman": "rank order", **{f"top {k}": f"top {k}" for k in TOP}}
"""Measures that the score is shown by."""


def to_dict(
    comparison: Comparison, score: Score | None = None, swept: Sequence[Outcome] = ()
) -> dict[str, Any]:
    """Lay out all of it; times are ISO-8601, what is unknown is null."""
    first, *others = (_period(period, comparison.step_s) for period in comparison.periods)
    laid_out: dict[str, Any] = _plain(
        {
            **first,
            "with": others[0] if others else None,
            "topology": comparison.grid.name,
            "windows": len(comparison.ends_s),
            "models": {name: asdict(found) for name, found in comparison.models.items()},
            "pairs": [
                {**asdict(pair), "window_ends": [to_iso(end) for end in comparison.ends_s]}
                for pair in comparison.pairs
            ],
            "sweep": [asdict(outcome) for outcome in swept],
            "score": None if score is None else score_to_dict(score),
        }
    )
    return laid_out


def _period(period: Period, step_s: int) -> dict[str, str]:
    begin_s, end_s = period.ends_s[0] - step_s, period.ends_s[-1]
    return {"run": period.run, "from": to_iso(begin_s), "until": to_iso(end_s)}


def score_to_dict(score: Score) -> dict[str, Any]:
    """Lay out a score: marks by predictor as [mean, low, high], and each model's lead."""
    laid_out: dict[str, Any] = _plain(
        {
            "grid": score.grid,
            "nodes": score.nodes,
            "lines": score.lines,
            "sources": score.sources,
            "slack": score.slack,
            "by_source": {name: marks.means for name, marks in score.marks.items()},
            "overall": {name: marks.overall for name, marks in score.marks.items()},
            "outages": asdict(score.outages),
            "lead": {
                model: {measure: {"over": lead.over, "by": lead.by} for measure, lead in of.items()}
                for model, of in score.leads.items()
            },
        }
    )
    return laid_out


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value)
    return value


def show(
    comparison: Comparison, console: Console, score: Score | None, swept: Sequence[Outcome]
) -> None:
    """Print what matters, in a few tables."""
    size = f"{len(comparison.ends_s):,} windows, {len(comparison.grid.nodes):,} nodes"
    two = len(comparison.periods) == 2
    for period, order in zip(comparison.periods, ("first ", "second "), strict=False):
        said = _period(period, comparison.step_s)
        name = f"{order if two else ''}run {printable(said['run'])}"
        console.print(
            f"{name}: {said['from']} to {said['until']}, {size}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    titles = ["", *(course.label for course in comparison.courses.values())]
    console.print(_table("Each model", titles, model_rows(comparison)))
    for pair in comparison.pairs:
        title = " and ".join(comparison.labels_of(pair))
        console.print(_table(title, ["", ""], pair_rows(comparison, pair)))
    if swept:
        console.print(_sweep_table(swept))
    if score is not None:
        show_score(score, console)


def show_score(score: Score, console: Console) -> None:
    """Print a score, and in a line a model how it stands to the better baseline."""
    title = (
        f"Against DC power flow: {score.grid}, {score.nodes:,} nodes, {score.lines:,} lines, "
        f"{score.sources:,} sources asked, slack by {score.slack}"
    )
    rows = []
    for name, marks in score.marks.items():
        cells = [narrow(marks.means[measure]) for measure in SHOWN]
        rows.append([title_of(name), *cells, narrow(marks.overall["spearman"])])
    console.print(_table(title, ["", *SHOWN.values(), "whole grid"], rows))
    for sentence in (*verdicts(score), contingency_line(score)):
        console.print(f"{sentence}.", highlight=False, markup=False, soft_wrap=True)


def verdicts(score: Score) -> list[str]:
    """A sentence a model: in what it is better than the better baseline, worse, or neither."""
    return [f"{title_of(model)} is {_verdict(leads)}" for model, leads in score.leads.items()]


def _verdict(leads: Mapping[str, Lead]) -> str:
    parts: dict[str, list[str]] = {}
    for measure, name in SHOWN.items():
        over, by = leads[measure].over, leads[measure].by
        if np.isnan(by.mean):
            continue
        if by.low > 0:
            word, text = f"better than {over} alone", f"{name} (by {interval(by)})"
        elif by.high < 0:
            behind = Interval(-by.mean, -by.high, -by.low)
            word, text = f"worse than {over} alone", f"{name} (by {interval(behind)})"
        else:
            word, text = f"no different from {over} alone", name
        parts.setdefault(word, []).append(text)
    return "; ".join(f"{word} in {', '.join(text)}" for word, text in sorted(parts.items()))


def contingency_line(score: Score) -> str:
    """What N-1 finds, and how well each ranking tells the nodes it touches (ROC area)."""
    found = score.outages
    text = (
        f"N-1: {found.overloading:,} of {score.lines:,} outages overload a line, at "
        f"{found.touched:,} of {score.nodes:,} nodes ({found.parting:,} part the grid)"
    )
    if found.idle:
        return f"{text}: {IDLE_WORDS}"
    if not found.touched:
        return text
    marks = (f"{title_of(name)} {interval(mark)}" for name, mark in found.marks.items())
    return f"{text}; separated from the others with a ROC area of: {', '.join(marks)}"


def narrow(value: Interval) -> str:
    """``0.72±.03`` for a table in a terminal: half of the interval's width, as wide as it is."""
    if np.isnan(value.mean):
        return "–"
    half = f"{(value.high - value.low) / 2:.2f}".removeprefix("0")
    return f"{value.mean:.2f}±{half}"


def interval(value: Interval) -> str:
    """``0.72 [0.69, 0.75]``, or the mean alone where there is no interval."""
    if np.isnan(value.mean):
        return "–"
    mean = f"{value.mean:.2f}"
    return mean if np.isnan(value.low) else f"{mean} [{value.low:.2f}, {value.high:.2f}]"


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=_shown(title), title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(_shown(column), justify="right" if i else "left")
    for row in rows:
        table.add_row(*map(_shown, row))
    return table


def _shown(text: str) -> str:
    """A text of a table, in which runs' names may be: nothing of it is markup or control."""
    return escape(printable(text))


def model_rows(comparison: Comparison) -> list[list[str]]:
    """The rows about each model: a label, then a cell a model."""
    rows: dict[str, Callable[[ModelMeasures], str]] = {
        "alarm episodes": lambda m: f"{sum(m.episodes.values()):,}",
        **{f"  up to {level}": _episodes(level) for level in LEVELS},
        "nodes alarmed": lambda m: f"{m.nodes_alarmed:,}",
        "node-hours in alarm": _hours(LEVELS[0]),
        **{f"  at {level} or above": _hours(level) for level in LEVELS[1:]},
        "mean episode (h)": lambda m: number(m.mean_episode_h, 1),
        "first alarm (UTC)": lambda m: _minute(m.first_alarm_s),
    }
    return [
        [label, *(cell(measures) for measures in comparison.models.values())]
        for label, cell in rows.items()
    ]


def _minute(time_s: float | None) -> str:
    return "none" if time_s is None else to_iso(time_s)[:16].replace("T", " ")


def _episodes(level: str) -> Callable[[ModelMeasures], str]:
    return lambda measures: f"{measures.episodes[level]:,}"


def _hours(level: str) -> Callable[[ModelMeasures], str]:
    return lambda measures: f"{measures.node_hours[level]:,.0f}"


def pair_rows(comparison: Comparison, pair: PairMeasures) -> list[list[str]]:
    """The rows about two courses: a label and a cell."""
    first, second = comparison.labels_of(pair)
    lead = pair.lead
    return [
        ["alarms in common (Jaccard, node-hours)", number(pair.jaccard)],
        *([f"  at {level} or above", number(pair.jaccard_by_level[level])] for level in LEVELS[1:]),
        *([f"  in {zone.zone}", number(zone.jaccard)] for zone in pair.zones),
        *([f"same top {k} (mean Jaccard)", number(value)] for k, value in pair.overlap.items()),
        ["same order (mean Kendall's tau)", number(pair.kendall)],
        ["same order (mean Spearman's rho)", number(pair.spearman)],
        [f"nodes only {first} alarms", f"{len(pair.only_first)}"],
        [f"nodes only {second} alarms", f"{len(pair.only_second)}"],
        [
            f"first alarm of a node: {first} earlier / same / later",
            f"{lead.earlier} / {lead.same} / {lead.later}",
        ],
        ["  by hours, median (earlier is positive)", number(lead.median_h, 1)],
    ]


def _sweep_table(swept: Sequence[Outcome]) -> Table:
    models, pairs = list(swept[0].episodes), list(swept[0].jaccard)
    named = {pair: "/".join(map(short_title_of, pair.split(", "))) for pair in pairs}
    columns = [
        "",
        *(f"node-hours, {short_title_of(model)}" for model in models),
        *(f"Jaccard, {named[pair]}" for pair in pairs),
        *(f"top 10, {named[pair]}" for pair in pairs),
    ]
    rows = [
        [
            f"{outcome.variation.parameter} {outcome.variation.value}"
            f"{' *' if outcome.variation.own else ''}",
            *(f"{outcome.node_hours[model]:,.0f}" for model in models),
            *(number(outcome.jaccard[pair]) for pair in pairs),
            *(number(outcome.overlap[pair]) for pair in pairs),
        ]
        for outcome in swept
    ]
    return _table("One parameter changed (* is the run's own)", columns, rows)


def number(value: float | None, digits: int = 2) -> str:
    """The number, or a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"
