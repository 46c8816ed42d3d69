"""Run the peers of ``bench/peers/`` on the same load as gridstress, and gridstress on theirs."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.harness.case import Case
from bench.harness.test_bed import CHECKOUT
from bench.inputs.plan import stretches
from bench.inputs.prepare import SYNTHETIC, InputCache
from bench.measures.drain import disturbed
from bench.measures.latency import Latency
from bench.measures.source_lines import code_lines
from bench.peers.programs import PEERS
from bench.peers.typical import typical_start
from bench.results.peers import (
    BROKER_CPU,
    GRIDSTRESS,
    LINES,
    P50,
    P99,
    PART,
    PEAK_RSS,
    PEER_CPU,
    RATE,
    START_UP,
    UNITS,
)
from bench.results.targets import HALF
from bench.session import Session
from gridstress.local import kafka_jars
from topology.errors import BrokerError

TIMEOUT_S = 900
"""How long one run of a peer may take, s."""
PACED_S = 15.0
"""How long rows are sent that count in a paced run of gridstress, after as many that do not."""
OUR_SOURCES = ("agents", "tables", "topology", "gridstress/worker.py", "gridstress/runtime/app.py")
"""What of gridstress corresponds to a peer's program: stages, state, models and messages, and how
they are composed. Without API and views, and without the corrections of Faust."""

Values = Mapping[str, Sequence[float]]


def peers(session: Session) -> None:
    """Figures of all peers, and of one worker on a load as heavy as theirs.

    All keep their state on disk or in the memory of their engine and use Apache Kafka and the
    bundled year, whatever the session's options. One whose results are not equal gives no figure;
    one that cannot be run here is noted and left out.
    """
    try:
        kafka_jars.check()
    except BrokerError as error:
        session.note(f"The peers were left out: {error}.")
        return
    grid = session.base.grid
    rows = session.rows_of(grid)
    _add(session, {"grid": grid, "peer": GRIDSTRESS, "form": "frames"}, _ours(session, grid, rows))
    left_out: dict[str, list[str]] = {}
    for name, peer in PEERS.items():
        if lack := peer.missing():
            left_out.setdefault(lack, []).append(name)
            continue
        lines = _measured(session, name, grid, peer.rows or rows)
        _note(session, name, lines)
        _add(session, {"grid": grid, "peer": name, "form": peer.form}, _theirs(name, lines))
    for lack, names in left_out.items():
        session.note(f"Peers left out: {', '.join(names)}: {lack}.")


def _note(session: Session, name: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """Keep a peer's runs as they were, with those that were not equal or that others disturbed."""
    results = session.results
    results.runs += [{"part": PART, **line} for line in lines]
    for line in lines:
        if not line["equal"]:
            results.unequal.append(f"peers: {name}: {'; '.join(line['notes'])}")
        elif not line["live"] and disturbed(line["foreign_cpu_s"], line["seconds"]):
            results.notes.append(
                f"{name}: others took {line['foreign_cpu_s']:.1f} s of processor time in "
                f"{line['seconds']:.1f} s; the rate is too low."
            )


def _add(session: Session, about: Mapping[str, Any], values: Values) -> None:
    for name, unit in UNITS.items():
        session.results.add(PART, name, unit, about, values.get(name, ()))


def _theirs(name: str, lines: Sequence[Mapping[str, Any]]) -> Values:
    """A peer's values by figure, of the runs that were equal."""
    runs = [line for line in lines if line["equal"] and not line["live"]]
    live = [line for line in lines if line["equal"] and line["live"]]
    here = CHECKOUT / "bench" / "peers"
    return {
        RATE: [run["node_measurements_per_s"] for run in runs],
        PEER_CPU: [1e6 * run["peer_cpu_s"] / run["node_measurements"] for run in runs],
        BROKER_CPU: [1e6 * run["broker_cpu_s"] / run["node_measurements"] for run in runs],
        P50: [run["p50_ms"] for run in live],
        P99: [run["p99_ms"] for run in live],
        PEAK_RSS: [run["peak_rss"] / 1e6 for run in runs],
        START_UP: [run["startup_s"] for run in runs],
        LINES: [code_lines(here / source for source in PEERS[name].sources)] if runs else [],
    }


def _ours(session: Session, grid: str, rows: int) -> Values:
    """The same of gridstress: one worker with its views."""
    # Of many rows several runs are made, each of which begins there.
    of_run = stretches(rows, datetime(2025, 1, 1, tzinfo=UTC), rows)[0].rows
    start = typical_start(session.inputs.grid(grid), of_run)
    inputs = replace(session.inputs, load_file=SYNTHETIC, start=start)
    runs = session.drain_all(PART, Case(grid), inputs.frames(grid, rows))
    if not runs:
        return {}
    pace = HALF * median(run.rows / run.seconds for run in runs)
    paced = _paced(session, Case(grid), inputs, pace)
    files = [file for source in OUR_SOURCES for file in _files(CHECKOUT / source)]
    return {
        RATE: [run.rate for run in runs],
        PEER_CPU: [1e6 * run.worker_cpu_s / run.node_measurements for run in runs],
        BROKER_CPU: [1e6 * run.broker_cpu_s / run.node_measurements for run in runs],
        P50: [run.p50_ms for run in paced],
        P99: [run.p99_ms for run in paced],
        PEAK_RSS: [run.peak_rss / 1e6 for run in runs],
        START_UP: [run.startup_s for run in runs if run.startup_s is not None],
        LINES: [code_lines(files)],
    }


def _paced(session: Session, case: Case, inputs: InputCache, rows_per_s: float) -> list[Latency]:
    """Paced runs on this input that were found equal."""
    runs = [
        session.paced(case, inputs, f"typical stretch, {i + 1}", rows_per_s, PACED_S)
        for i in range(session.repeat)
    ]
    session.note_runs(PART, runs)
    return [run for run in runs if run.equal]


def _files(source: Path) -> list[Path]:
    return sorted(source.rglob("*.py")) if source.is_dir() else [source]


def _measured(session: Session, name: str, grid: str, rows: int) -> list[dict[str, Any]]:
    """Lines of `bench.peers` for all runs of a peer; one more that says why if it failed."""
    session.say(f"peer {name}, {grid}, {rows} hours")
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "peer.json"
        command = [
            *(sys.executable, "-m", "bench.peers", "--peer", name, "--grid", grid),
            *("--rows", str(rows), "--repeat", str(session.repeat), "--live"),
            *("--limit", str(TIMEOUT_S), "--output", str(output)),
        ]
        with subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True) as process:
            try:
                errors = process.communicate()[1]
            finally:
                process.terminate()  # if we are stopped: it stops its broker and the peer
        session.say("".join(f"  {line}\n" for line in errors.splitlines()).rstrip())
        lines: list[dict[str, Any]] = (
            json.loads(output.read_text("utf-8")) if output.exists() else []
        )
        if process.returncode:
            lines.append({"peer": name, "equal": False, "live": False, "notes": [_why(errors)]})
        return lines


def _why(errors: str) -> str:
    lines = errors.strip().splitlines() or ["no reason given"]
    return next((line for line in lines if line.startswith("error: ")), lines[-1])
