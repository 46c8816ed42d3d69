"""The part of the benchmark that measures a grid of 100,000 nodes."""

from dataclasses import replace

from bench.harness.case import LARGE_GRID
from bench.measures.startup import influence_s
from bench.session import Session

MB = 1e6
ROWS = 24
"""A day of January."""


def large(session: Session) -> None:
    """Rate and memory of one worker on the largest grid, of the verifier, of the matrices."""
    case, results = replace(session.base, grid=LARGE_GRID), session.results
    runs = session.drain_all("large", case, session.inputs.frames(LARGE_GRID, ROWS))
    about = case.to_dict()
    results.add("large", "node-measurements", "/s", about, [run.rate for run in runs])
    results.add("large", "peak RSS", "MB", about, [run.peak_rss / MB for run in runs])
    results.add("large", "verify, peak RSS", "MB", about, [r.verify_peak_rss / MB for r in runs])
    results.add("large", "verify", "s", about, [run.verify_s for run in runs])
    built = [influence_s(str(session.inputs.grid(LARGE_GRID))) for _ in range(session.repeat)]
    results.add("large", "influence matrices built", "s", {"grid": LARGE_GRID}, built)
