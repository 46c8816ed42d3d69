"""Latency: at half the sustained rate, quiet and beside a busy loop, and over all rates."""

from dataclasses import dataclass
from statistics import median

from bench.measures.latency import Latency
from bench.results.targets import BUSY_LOOP, HALF, HALF_RATE
from bench.session import Session

SLOW = 1.0
"""Rows a second of the slowest pace."""
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""The other paces, as shares of the sustained rate."""
QUICK_SHARES = (0.25, HALF)
PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True)
class Pace:
    """How fast rows are sent, beside what, and how often this is measured."""

    name: str
    rows_per_s: float
    runs: int
    busy: bool = False


def sustained_rows_per_s(session: Session) -> float | None:
    """Rows a second that a worker works off at most, in the base case; None if no run was equal."""
    drains = session.drains(session.base)
    return median(run.rows / run.seconds for run in drains) if drains else None


def latencies(session: Session) -> None:
    """Latency at half the sustained rate, where its time goes, and beside a busy loop."""
    if not (sustained := sustained_rows_per_s(session)):
        return
    for name, busy in ((HALF_RATE, False), (BUSY_LOOP, True)):
        pace = Pace(name, HALF * sustained, session.repeat, busy)
        runs = _measured(session, pace)
        _add(session, "latency", pace, runs)
        _add_steps(session, pace, runs)


def curve(session: Session) -> None:
    """Latency over the rate: from a row a second to nearly what a worker works off at most."""
    if not (sustained := sustained_rows_per_s(session)):
        return
    paces = [Pace("1 row a second", SLOW, 1)]
    for share in SHARES:
        # At half the rate these are the runs of the part latency.
        runs = session.repeat if share == HALF else 1
        paces.append(Pace(f"{100 * share:.0f} % of the sustained rate", share * sustained, runs))
    if session.quick:
        paces = [pace for pace in paces if pace.rows_per_s / sustained in QUICK_SHARES]
    for pace in paces:
        _add(session, "curve", pace, _measured(session, pace))


def _measured(session: Session, pace: Pace) -> list[Latency]:
    return session.latencies(session.base, pace.name, pace.rows_per_s, pace.runs, busy=pace.busy)


def _add(session: Session, part: str, pace: Pace, runs: list[Latency]) -> None:
    about, results = {**session.base.to_dict(), "pace": pace.name}, session.results
    for name in PERCENTILES:
        results.add(part, name, "ms", about, [getattr(run, f"{name}_ms") for run in runs])
    results.add(part, "worker CPU", "cores", about, [run.worker_cpu_share for run in runs])
    results.add(part, "CPU of others", "cores", about, [run.foreign_cpu_share for run in runs])
    results.add(part, "rows sent", "/s", about, [run.rows_per_s for run in runs])


def _add_steps(session: Session, pace: Pace, runs: list[Latency]) -> None:
    """Where the time of a row goes; medians of the runs' percentiles."""
    for steps in zip(*(run.steps for run in runs), strict=True):
        about = {**session.base.to_dict(), "pace": pace.name, "step": steps[0].name}
        session.results.add("trace", "p50", "ms", about, [step.p50_ms for step in steps])
        session.results.add("trace", "p99", "ms", about, [step.p99_ms for step in steps])
