"""The peers and gridstress in one table."""

from collections.abc import Mapping

from bench.results.results import Figure, Results
from bench.results.stats import text

PART = "peers"
GRIDSTRESS = "gridstress"
RATE, PEER_CPU, BROKER_CPU = "node-measurements", "peer CPU", "broker CPU"
P50, P99, PEAK_RSS, START_UP, LINES = "p50", "p99", "peak RSS", "start-up", "lines"
UNITS: Mapping[str, str] = {
    RATE: "/s",
    PEER_CPU: "µs each",
    BROKER_CPU: "µs each",
    P50: "ms",
    P99: "ms",
    PEAK_RSS: "MB",
    START_UP: "s",
    LINES: "",
}
"""By figure, in the order of the columns."""


def peer_table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, a row a peer, the fastest first; those without a rate are left out.

    All figures are medians; the rate has its range as well.
    """
    columns = ["", "input", *(", ".join(filter(None, pair)) for pair in UNITS.items())]
    rates = [one for one in results.figures if (one.part, one.name) == (PART, RATE)]
    ours = {one.case["grid"]: one for one in rates if one.case["peer"] == GRIDSTRESS}
    rates.sort(key=lambda one: -one.spread.median)
    rows = []
    for rate in rates:
        case = rate.case
        cells = [_cell(name, results.find(PART, name, **case)) for name in UNITS]
        times = _times(ours.get(case["grid"]), rate)
        rows.append([case["peer"], case.get("form", ""), *cells, times])
    return [*columns, f"{GRIDSTRESS} is"], rows


def _cell(name: str, figure: Figure | None) -> str:
    if figure is None:
        return ""
    found = figure.spread
    several = name == RATE and found.count > 1
    return text(found.median) + (f" ({text(found.low)} to {text(found.high)})" if several else "")


def _times(ours: Figure | None, theirs: Figure) -> str:
    """How many times as fast we are; empty in our own row."""
    if ours is None or ours is theirs:
        return ""
    return f"{text(ours.spread.median / theirs.spread.median)} times as fast"
