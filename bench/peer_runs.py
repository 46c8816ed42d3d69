"""Run the peers of ``bench/peers/`` on the same load."""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.harness.case import Case
from bench.harness.test_bed import CHECKOUT
from bench.inputs.plan import stretches
from bench.peers.runner import PEERS
from bench.peers.typical import typical_start
from bench.session import Session

TIMEOUT_S = 3600
OURS = "gridstress"
SLOW_ROWS = 48
"""Hours for a peer that sends a message a node: two days, as load has the shape of days."""


def peers(session: Session) -> None:
    """Rates of all peers, and of one worker on a load as heavy as theirs.

    All keep their state in RocksDB and use Apache Kafka, whatever the session's options. One whose
    results are not equal gives no figure.
    """
    grid, rows = session.base.grid, session.rows_of(session.base.grid)
    inputs = session.inputs
    # Of many rows several runs are made, each of which begins there.
    of_run = stretches(rows, datetime(2025, 1, 1, tzinfo=UTC), rows)[0].rows
    start = typical_start(inputs.load_file, inputs.grid(grid), of_run)
    source = replace(inputs, start=start).frames(grid, rows)
    ours = [run.rate for run in session.drain_all("peers", Case(grid), source)]
    session.results.add("peers", "node-measurements", "/s", {"grid": grid, "peer": OURS}, ours)
    for name, peer in PEERS.items():
        hours = SLOW_ROWS if peer.unrolled else rows
        runs = [_measured(session, name, grid, hours) for _ in range(session.repeat)]
        session.results.runs += [{"part": "peers", **run} for run in runs]
        about = {"grid": grid, "peer": name}
        for run in runs:
            if not run["equal"]:
                session.results.unequal.append(f"peers: {name}: {'; '.join(run['notes'])}")
        rates = [run["node_measurements_per_s"] for run in runs if run["equal"]]
        session.results.add("peers", "node-measurements", "/s", about, rates)


def _measured(session: Session, name: str, grid: str, rows: int) -> dict[str, Any]:
    session.say(f"peer {name}, {grid}, {rows} hours")
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "peer.json"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "bench.peers", "--peer", name, "--grid", grid),
                *("--rows", str(rows), "--limit", str(TIMEOUT_S), "--output", str(output)),
            ],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            return {"peer": name, "equal": False, "notes": [last]}
        (found,) = json.loads(output.read_text("utf-8"))
        measured: dict[str, Any] = found
        return measured
