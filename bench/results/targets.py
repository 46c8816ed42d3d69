"""Performance targets, and how the figures compare with them."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.results.results import Figure, Results
from bench.results.stats import percentile, text

GRID, LARGER, LARGEST = "refined-2000", "pegase-9241", "refined-100000"
BASE = {
    "grid": GRID, "store": "rocksdb", "broker": "apache", "workers": 1, "span": 6, "role": "all",
}  # fmt: skip
RATE, COST, CPU = "node-measurements", "time", "worker CPU"
HALF = 0.5
"""Share of the sustained rate at which latency is measured."""
HALF_RATE = "half the sustained rate"
BUSY_LOOP = f"{HALF_RATE}, beside a busy loop"
RECOVERED = "no row late any more"


@dataclass(frozen=True)
class Target:
    """A figure with its bounds; a `ceiling` is not to be exceeded, the others to be reached.

    `found` takes the figure of the case that the bounds are for, and of no other.
    """

    name: str
    unit: str
    least: float
    aim: float
    ceiling: bool
    found: Callable[[Results], float | None]


def _over(top: Figure | None, bottom: Figure | None) -> float | None:
    return top.spread.median / bottom.spread.median if top and bottom else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _median(figure: Figure | None) -> float | None:
    return figure.spread.median if figure else None


def _p95(figure: Figure | None) -> float | None:
    return percentile(figure.values, 0.95) if figure else None


def _peer(results: Results, peer: str) -> Figure | None:
    return results.find("peers", RATE, grid=GRID, peer=peer)


def _latency(results: Results, pace: str) -> float | None:
    return _median(results.find("latency", "p99", **BASE, pace=pace))


def two_workers(results: Results, role: str) -> float | None:
    """Processor time of two workers of a role together against one's; None if not measured.

    That of a view server does not count.
    """
    case = {**BASE, "role": role}
    two, one = (results.find("workers", CPU, **{**case, "workers": n}) for n in (2, 1))
    return _over(two, one)


TARGETS = (
    Target(
        "node-measurements, one worker, 2,000 nodes, RocksDB, Apache Kafka, January",
        "/s", 900_000, 1_500_000, False, lambda r: _median(r.find("rate", RATE, **BASE)),
    ),
    Target(
        "the same on a typical stretch of the year",
        "/s", 1_700_000, 2_500_000, False, lambda r: _median(_peer(r, "gridstress")),
    ),
    Target(
        "share of the plain loop without Faust, state and changelog, typical stretch",
        "%", 45, 65, False, lambda r: _percent(_over(_peer(r, "gridstress"), _peer(r, "plain"))),
    ),
    Target(
        "against Quix Streams, a message a node, typical stretch",
        "x", 80, 120, False, lambda r: _over(_peer(r, "gridstress"), _peer(r, "quix")),
    ),
    Target(
        "p99 latency at half the sustained rate",
        "ms", 100, 40, True, lambda r: _latency(r, HALF_RATE),
    ),
    Target(
        "the same while a busy loop takes one of two cores",
        "ms", 400, 150, True, lambda r: _latency(r, BUSY_LOOP),
    ),
    Target(
        "time per node-measurement, 9,241 nodes against 2,000",
        "x", 1.25, 1.0, True,
        lambda r: _over(
            r.find("rate", COST, **{**BASE, "grid": LARGER}), r.find("rate", COST, **BASE)
        ),
    ),
    Target(
        "peak RSS of a worker, 100,000 nodes, a day at full speed",
        "MB", 2_000, 1_000, True,
        lambda r: _median(r.find("large", "peak RSS", **{**BASE, "grid": LARGEST})),
    ),
    Target(
        "processor time, two workers together against one, views in a process of their own, "
        "not counted",
        "x", 1.1, 1.0, True, lambda r: two_workers(r, "worker"),
    ),
    Target(
        "recovery after SIGKILL under load, p95",
        "s", 15, 10, True, lambda r: _p95(r.find("kills", RECOVERED, **BASE)),
    ),
    Target(
        "gridstress up, until all is healthy",
        "s", 7, 5, True, lambda r: _median(r.find("up", "all healthy", broker="embedded")),
    ),
    Target(
        "gridstress up, until the first alarm is on screen",
        "s", 20, 10, True,
        lambda r: _median(r.find("up", "first alarm on screen", broker="embedded")),
    ),
)  # fmt: skip
"""The bounds that were set for speed."""


@dataclass(frozen=True)
class Verdict:
    """How a figure stands to its target: ``aim reached``, ``reached``, ``missed`` or ``""``."""

    target: Target
    value: float | None

    @property
    def word(self) -> str:
        """In a word, with how far it is from the lesser bound if it is missed."""
        if self.value is None:
            return ""
        sign = -1 if self.target.ceiling else 1
        if sign * self.value >= sign * self.target.aim:
            return "aim reached"
        if sign * self.value >= sign * self.target.least:
            return "reached"
        return f"missed: {text(self.value / self.target.least)} of the bound"


def judge(results: Results) -> list[Verdict]:
    """All targets, those included that were not measured."""
    return [Verdict(target, target.found(results)) for target in TARGETS]
