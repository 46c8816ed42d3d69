"""The parts of the benchmark: each measures its cases and records its figures."""

from collections.abc import Callable
from dataclasses import asdict, replace
from statistics import median

from bench.harness.case import SPANS, Case
from bench.measures.drain import Drain
from bench.measures.latency import latency
from bench.measures.startup import help_s, influence_s, starting
from bench.peer_runs import peers
from bench.session import Session

MB = 1e6


def rate(session: Session) -> None:
    """How fast one worker is, and what it takes: on every grid, store and broker."""
    for grid in session.grids:
        for broker in session.brokers:
            for store in session.stores:
                _drained(session, "rate", Case(grid, store, broker))


def nodes(session: Session) -> None:
    """What a node-measurement costs as grids grow: the base case on every grid."""
    for grid in session.grids:
        case = replace(session.base, grid=grid)
        _cost(session, "nodes", case, session.drains(case))


def workers(session: Session) -> None:
    """Two workers against one."""
    for count in (1, 2):
        case = replace(session.base, workers=count)
        _drained(session, "workers", case)


def windows(session: Session) -> None:
    """What a node-measurement costs as a window covers more steps."""
    for span in SPANS:
        case = replace(session.base, span=span)
        _cost(session, "windows", case, session.drains(case))


def latencies(session: Session) -> None:
    """Latency at half the sustained rate, and at one frame a second of every zone."""
    case = session.base
    paces = {"one frame a second": 1.0}
    if drains := session.drains(case):
        sustained = median(run.rows / run.seconds for run in drains)
        paces["half the sustained rate"] = sustained / 2
    for pace, rows_per_s in paces.items():
        runs = []
        for i in range(session.repeat):
            with session.testbed(
                case, f"latency at {pace}, {rows_per_s:.1f} rows/s, {i + 1}"
            ) as testbed:
                runs.append(latency(testbed, session.inputs, rows_per_s, session.seconds))
        session.note_runs("latency", runs)
        about = {**case.to_dict(), "pace": pace}
        fine = [run for run in runs if run.equal]
        for name in ("p50", "p95", "p99"):
            values = [getattr(run, f"{name}_ms") for run in fine]
            session.results.add("latency", name, "ms", about, values)
        sent = [run.rows_per_s for run in fine]
        cpu = [run.worker_cpu_share for run in fine]
        session.results.add("latency", "worker CPU", "cores", about, cpu)
        session.results.add("latency", "rows sent", "/s", about, sent)


def starts(session: Session) -> None:
    """Start-up and recovery, on every broker; the command line; the influence matrices."""
    for broker in session.brokers:
        case = replace(session.base, broker=broker)
        source = session.inputs.frames(case.grid, session.rows_of(case.grid))
        runs = []
        for i in range(session.repeat):
            with session.testbed(case, f"start and recovery, {i + 1}") as testbed:
                runs.append(starting(testbed, source))
        session.note_runs("start", runs)
        fine = [asdict(run) for run in runs if run.equal]
        for name, key in (
            ("live, nothing to recover", "empty_s"),
            ("live, full state, after a stop", "full_s"),
            ("live, full state, after a kill", "killed_s"),
            ("nothing left to do, after a kill", "caught_up_s"),
        ):
            session.results.add("start", name, "s", case.to_dict(), [run[key] for run in fine])
    calls = [help_s() for _ in range(session.repeat)]
    session.results.add("start", "gridstress --help", "s", {}, calls)
    for grid in session.grids:
        built = [influence_s(str(session.inputs.grid(grid))) for _ in range(session.repeat)]
        session.results.add("start", "influence matrices built", "s", {"grid": grid}, built)


def _drained(session: Session, part: str, case: Case) -> None:
    runs, results, about = session.drains(case), session.results, case.to_dict()
    results.add(part, "node-measurements", "/s", about, [run.rate for run in runs])
    _cost(session, part, case, runs)
    results.add(part, "peak RSS", "MB", about, [run.peak_rss / MB for run in runs])
    written = [run.changelog_bytes / run.node_measurements for run in runs]
    results.add(part, "changelog", "B each", about, written)
    if case.store == "rocksdb":
        stored = [run.store_bytes / MB for run in runs]
        results.add(part, "RocksDB", "MB", about, stored)


def _cost(session: Session, part: str, case: Case, runs: list[Drain]) -> None:
    """Time and processor time of a node-measurement; the latter hardly minds what else runs."""
    for name in ("worker", "broker"):
        used = [1e6 * getattr(run, f"{name}_cpu_s") / run.node_measurements for run in runs]
        label = f"{name} CPU"
        session.results.add(part, label, "µs each", case.to_dict(), used)
    took = [1e6 * run.seconds / run.node_measurements for run in runs]
    session.results.add(part, "time", "µs each", case.to_dict(), took)


PARTS: dict[str, Callable[[Session], None]] = {
    "rate": rate,
    "nodes": nodes,
    "workers": workers,
    "windows": windows,
    "latency": latencies,
    "start": starts,
    "peers": peers,
}
"""By name, in the order they are measured."""

QUICK = ("rate", "latency")
"""Parts of a smoke test."""
