"""The latency curve of a result as an SVG, readable on light and dark pages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from bench.results.results import Results
from bench.results.stats import text
from topology.errors import DataError

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 650, 32, 330
LABEL_GAP = 16
PERCENTILES = ("p50", "p95", "p99")
MANTISSAS = (1, 2, 5)
LEAST_MS = 0.5
"""Where less is drawn: latencies are whole ms, and a logarithmic axis has no 0."""
TEMPLATE = Path(__file__).with_name("curve.svg.j2")


@dataclass(frozen=True)
class Pace:
    """A point of the curve: rows a second that were sent, and the percentiles in ms."""

    name: str
    rows_per_s: float
    latency_ms: Mapping[str, float]


def curve_svg(results: Results) -> str:
    """Draw p50, p95 and p99 over the rows a second, both as measured.

    Raises
    ------
    DataError
        If the result does not have two paces of the part ``curve``.
    """
    paces, grid = _paces(results), _grid(results)
    if len(paces) < 2:
        raise DataError(
            "the result has no latency curve", hint="measure it: python -m bench --only curve"
        )
    values = [max(ms, LEAST_MS) for pace in paces for ms in pace.latency_ms.values()]
    ticks_ms = ticks(min(values), max(values))
    fastest = max(pace.rows_per_s for pace in paces)

    def x(rows_per_s: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * rows_per_s / fastest, 1)

    def y(ms: float) -> float:
        part = math.log(max(ms, LEAST_MS) / ticks_ms[0]) / math.log(ticks_ms[-1] / ticks_ms[0])
        return round(BOTTOM - (BOTTOM - TOP) * part, 1)

    ends = spread_apart([y(paces[-1].latency_ms[name]) for name in PERCENTILES])
    template = Environment(autoescape=True).from_string(TEMPLATE.read_text("utf-8"))
    drawn: str = template.render(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        top=TOP,
        bottom=BOTTOM,
        x_title=f"rows a second ({grid}), and share of the sustained rate",
        x_ticks=[
            {"at": x(p.rows_per_s), "label": text(p.rows_per_s), "share": _share(p.name)}
            for p in paces
        ],
        y_ticks=[{"at": y(ms), "label": text(ms)} for ms in ticks_ms],
        lines=[
            {
                "name": name,
                "points": [(x(p.rows_per_s), y(p.latency_ms[name])) for p in paces],
                "words": ", ".join(f"{text(p.latency_ms[name])} ms" for p in paces),
                "label_y": end,
            }
            for name, end in zip(PERCENTILES, ends, strict=True)
        ],
    )
    return drawn


def ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, 20 and so on, from the last that `low` reaches to the first above `high`.

    Parameters
    ----------
    low, high
        Greater than 0; not in descending order.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1
    steps = [m * 10.0**power for power in range(first, last + 1) for m in MANTISSAS]
    below = max(step for step in steps if step <= low * (1 + 1e-9))
    above = min(step for step in steps if step > high)
    return [step for step in steps if below <= step <= above]


def spread_apart(heights: Sequence[float]) -> list[float]:
    """Move labels, given from the lowest on the page to the highest, so far up that none overlap.

    Heights grow downwards, as in SVG.
    """
    placed: list[float] = []
    for height in heights:
        placed.append(min([height, *(one - LABEL_GAP for one in placed[-1:])]))
    return placed


def _paces(results: Results) -> list[Pace]:
    """The paces of the curve, the slowest first."""
    sent = [f for f in results.figures if (f.part, f.name) == ("curve", "rows sent")]
    paces = []
    for rows in sent:
        found = {name: results.find("curve", name, **rows.case) for name in PERCENTILES}
        latency_ms = {name: figure.spread.median for name, figure in found.items() if figure}
        if len(latency_ms) == len(PERCENTILES):
            paces.append(Pace(rows.case["pace"], rows.spread.median, latency_ms))
    return sorted(paces, key=lambda pace: pace.rows_per_s)


def _grid(results: Results) -> Any:
    return next((f.case["grid"] for f in results.figures if f.part == "curve"), "")


def _share(pace: str) -> str:
    share, of, _ = pace.partition(" of ")
    return share if of else ""
