"""A line of the report for each run of a peer."""

from typing import Any

from bench.peers.live import latencies_ms
from bench.peers.programs import PEERS
from bench.peers.runner import BROKER, PEER, Run
from bench.results.stats import percentile
from topology.clock import to_iso


def line(run: Run) -> dict[str, Any]:
    """Rate of a run and what it took, and whether its results were equal.

    Processor times are those of the last pass; the peak of memory is up to its end, and start-up
    is from the start of the process to the first record.
    """
    counted, first = run.outcome.counted, run.outcome.passes[0]
    span, samples = (counted.began_s, counted.ended_s), run.samples
    return {
        **_about(run),
        "live": False,
        "passes_s": [one.seconds for one in run.outcome.passes],
        "seconds": counted.seconds,
        "node_measurements_per_s": run.material.measurements / counted.seconds,
        "peer_cpu_s": samples.cpu_s(PEER, *span),
        "broker_cpu_s": samples.cpu_s(BROKER, *span) if run.place.broker else None,
        "foreign_cpu_s": samples.foreign_cpu_s(*span),
        "peak_rss": samples.peak_rss(PEER, counted.ended_s),
        "startup_s": first.began_s - run.started_s,
        **_verdict(run),
    }


def live_line(run: Run, rows_per_s: float) -> dict[str, Any]:
    """Latencies of a live run, and whether its results were equal.

    Raises
    ------
    GridstressError
        As `latencies_ms`.
    """
    sent = sorted(run.sent_s.values())
    took_ms = latencies_ms(run.sent_s, run.seen_s)
    return {
        **_about(run),
        "live": True,
        "wanted_rows_per_s": rows_per_s,
        "rows_per_s": (len(sent) - 1) / max(sent[-1] - sent[0], 1e-3),
        "counted_rows": len(took_ms),
        "p50_ms": percentile(took_ms, 0.50),
        "p99_ms": percentile(took_ms, 0.99),
        **_verdict(run),
    }


def _about(run: Run) -> dict[str, Any]:
    return {
        "peer": run.peer,
        "form": PEERS[run.peer].form,
        "grid": run.place.grid_name,
        "nodes": len(run.material.grid.nodes),
        "rows": run.material.rows,
        "start": to_iso(run.material.start_s),
        "node_measurements": run.material.measurements,
        "updates": sum(run.material.updates.values()),
    }


def _verdict(run: Run) -> dict[str, Any]:
    verdict = run.verdict
    notes = [f"{count:+,} {what} against what was expected" for what, count in run.lost.items()]
    if not verdict.stressed:
        notes.append("no window should have stress: nothing to compare")
    if verdict.first:
        notes.append(verdict.first)
    if not run.equal:
        notes.append(f"see {run.log}")
    return {
        "equal": run.equal,
        "compared": verdict.compared,
        "different": verdict.different,
        "notes": notes,
    }
