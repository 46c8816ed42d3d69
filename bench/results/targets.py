"""Performance targets, and how the figures compare with them."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.results.results import Figure, Results
from bench.results.stats import text

GRID, SMALL, LARGE = "refined-2000", "germany", "pegase-9241"
BASE = {"grid": GRID, "store": "rocksdb", "broker": "apache", "workers": 1, "span": 6}
RATE = "node-measurements"
COST = "time"


@dataclass(frozen=True)
class Target:
    """A figure with its bounds; a `ceiling` is not to be exceeded, the others to be reached."""

    name: str
    unit: str
    least: float
    aim: float
    ceiling: bool
    found: Callable[[Results], float | None]


def _rate(results: Results) -> Figure | None:
    return results.find("rate", RATE, **BASE) or results.find("workers", RATE, **BASE)


def _over(top: Figure | None, bottom: Figure | None) -> float | None:
    return top.spread.median / bottom.spread.median if top and bottom else None


def _median(figure: Figure | None) -> float | None:
    return figure.spread.median if figure else None


def _peer(results: Results, peer: str) -> Figure | None:
    return results.find("peers", RATE, grid=GRID, peer=peer)


TARGETS = (
    Target(
        "node-measurements, one worker, 2,000 nodes, RocksDB, Apache Kafka",
        "/s", 250_000, 600_000, False, lambda r: _median(_rate(r)),
    ),
    Target(
        "share of the plain loop without Faust, state and changelog",
        "", 0.4, 0.7, False, lambda r: _over(_peer(r, "gridstress"), _peer(r, "plain")),
    ),
    Target(
        "against per-record Faust",
        "x", 100, 300, False, lambda r: _over(_peer(r, "gridstress"), _peer(r, "faust")),
    ),
    Target(
        "against Quix Streams",
        "x", 20, 60, False, lambda r: _over(_peer(r, "gridstress"), _peer(r, "quix")),
    ),
    Target(
        "time per node-measurement, 9,241 nodes against 2,000",
        "x", 1.5, 1.0, True,
        lambda r: _over(
            r.find("nodes", COST, **{**BASE, "grid": LARGE}), r.find("nodes", COST, **BASE)
        ),
    ),
    Target(
        "time per node-measurement, size/step 48 against 6",
        "x", 2.0, 1.0, True,
        lambda r: _over(
            r.find("windows", COST, **{**BASE, "span": 48}), r.find("windows", COST, **BASE)
        ),
    ),
    Target(
        "p99 latency at half the sustained rate",
        "ms", 300, 100, True,
        lambda r: _median(
            r.find("latency", "p99", **BASE, pace="half the sustained rate")
        ),
    ),
    Target(
        "peak RSS, 9,241 nodes",
        "MB", 600, 300, True,
        lambda r: _median(r.find("rate", "peak RSS", **{**BASE, "grid": LARGE})),
    ),
)  # fmt: skip
"""The table of the issue that asked for speed."""


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
