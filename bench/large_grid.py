"""The part of the benchmark that measures a grid of 100,000 nodes."""

from dataclasses import replace

from bench.harness.case import LARGE_GRID
from bench.measures.large import measure_large
from bench.measures.startup import influence_s
from bench.session import Session

MB = 1e6
ROWS = 24
"""A day of January."""


def large(session: Session) -> None:
    """Rate and memory of one worker on the largest grid, of the verifier, of the matrices."""
    case, results = replace(session.base, grid=LARGE_GRID), session.results
    source = session.inputs.frames(LARGE_GRID, ROWS)
    runs = []
    for i in range(session.repeat):
        what = f"run {i + 1}, {source.node_measurements:,} node-measurements"
        with session.testbed(case, what) as testbed:
            runs.append(measure_large(testbed, source))
    session.note_runs("large", runs)
    fine, about = [run for run in runs if run.equal], case.to_dict()
    drains = [run.drained for run in fine]
    results.add("large", "node-measurements", "/s", about, [run.rate for run in drains])
    results.add("large", "peak RSS", "MB", about, [run.peak_rss / MB for run in drains])
    results.add("large", "verify, peak RSS", "MB", about, [r.verify_peak_rss / MB for r in fine])
    results.add("large", "verify", "s", about, [run.verify_s for run in fine])
    built = [influence_s(str(session.inputs.grid(LARGE_GRID))) for _ in range(session.repeat)]
    results.add("large", "influence matrices built", "s", {"grid": LARGE_GRID}, built)
