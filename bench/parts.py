"""The parts of the benchmark: each measures its cases and records its figures."""

from collections.abc import Callable
from dataclasses import replace

from bench.harness.case import ROLES, Case
from bench.large_grid import large
from bench.measures.drain import Drain
from bench.paced_runs import curve, latencies
from bench.peer_runs import peers
from bench.session import Session
from bench.start_runs import kills, starts, up

MB = 1e6
LONG_SPAN = 48
"""Steps of a window in the part windows."""


def rate(session: Session) -> None:
    """How fast one worker is, and what it takes: the base case, and others that differ in one."""
    base = session.base
    cases = [
        *(replace(base, grid=grid) for grid in session.grids),
        *(replace(base, store=store) for store in session.stores),
        *(replace(base, broker=broker) for broker in session.brokers),
    ]
    for case in dict.fromkeys(cases):
        _drained(session, "rate", case)


def workers(session: Session) -> None:
    """Two workers against one: with the views in each, and in a view server beside them."""
    for role in ROLES:
        for count in (1, 2):
            _drained(session, "workers", replace(session.base, workers=count, role=role))


def windows(session: Session) -> None:
    """What a node-measurement costs if a window covers more steps."""
    for case in (session.base, replace(session.base, span=LONG_SPAN)):
        _cost(session, "windows", case, session.drains(case))


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
    processes = ("worker", "broker", *(("views",) if case.role == "worker" else ()))
    for name in processes:
        used = [1e6 * getattr(run, f"{name}_cpu_s") / run.node_measurements for run in runs]
        label = f"{name} CPU"
        session.results.add(part, label, "µs each", case.to_dict(), used)
    took = [1e6 * run.seconds / run.node_measurements for run in runs]
    session.results.add(part, "time", "µs each", case.to_dict(), took)


PARTS: dict[str, Callable[[Session], None]] = {
    "rate": rate,
    "workers": workers,
    "windows": windows,
    "latency": latencies,
    "curve": curve,
    "start": starts,
    "kills": kills,
    "up": up,
    "large": large,
    "peers": peers,
}
"""By name, in the order they are measured."""

QUICK = ("rate", "latency", "curve", "kills", "up")
"""Parts of a smoke test."""
