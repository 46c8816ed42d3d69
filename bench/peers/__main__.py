"""Measure other ways to do the same work.

python -m bench.peers --peer all --grid germany --rows 24 --output peers.json
python -m bench.peers --peer quix --grid refined-2000 --rows 48 --repeat 3 --live --output quix.json
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.harness.brokers import apache_broker
from bench.harness.case import GRIDS
from bench.inputs.grids import grid_file
from bench.peers.live import live_rows
from bench.peers.material import HOURS, material
from bench.peers.programs import PEERS
from bench.peers.report_lines import line, live_line
from bench.peers.runner import Place, run_peer
from bench.results.targets import HALF
from gridstress.local.broker import cluster_id_now
from gridstress.replay.pace import batch_for
from gridstress.settings import Settings, load_settings
from topology.errors import GridstressError
from topology.grid import Grid
from topology.loaders import load_grid, to_json


def main() -> int:
    """Run the peers that were asked for, write their lines as JSON; exit code as `gridstress`.

    After an error of a peer the others are run all the same; the exit code is that of the first
    error. Whatever ends this, the lines of the runs before it are written.
    """
    # What was started must end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options, codes = _options(), list[int]()
    lines: list[dict[str, Any]] = []
    try:
        with _reported(codes), _grid(options.grid) as file:
            for name in _peers(options.peer):
                with _reported(codes):
                    for one in measured(name, file, options):
                        sys.stderr.write(_in_words(one))
                        lines.append(one)
    finally:
        options.output.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
    return codes[0] if codes else 0


@contextmanager
def _reported(codes: list[int]) -> Iterator[None]:
    """Print an error and keep its exit code, so that what comes next is done all the same."""
    try:
        yield
    except GridstressError as error:
        sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        codes.append(error.exit_code)


@contextmanager
def _grid(name: str) -> Iterator[Path]:
    """A file of our JSON with the grid."""
    with tempfile.TemporaryDirectory(prefix="gridstress-peers-") as directory:
        if name in GRIDS:
            yield grid_file(name, Path(directory))
            return
        file = Path(directory) / "grid.json"
        file.write_bytes(to_json(load_grid(name)))
        yield file


def _peers(name: str) -> Iterator[str]:
    """Yield the peers of this name, or all, that can be run here."""
    for one in PEERS if name == "all" else [name]:
        if lack := PEERS[one].missing():
            sys.stderr.write(f"{one}: left out, {lack}\n")
        else:
            yield one


def measured(name: str, file: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Run one peer and yield its lines, each of a run with a broker of its own.

    Raises
    ------
    GridstressError
        If the peer or the broker fails.
    """
    grid, settings = load_grid(str(file)), load_settings()
    prepared = material(grid, settings, options.rows)
    rates = []
    for _ in range(options.repeat):
        with _place(file, options) as place:
            one = line(run_peer(name, place, prepared))
        yield one
        if one["equal"]:
            rates.append(one["node_measurements_per_s"])
    if options.live and rates:
        yield from _measured_live(name, file, options, grid, settings, median(rates))


def _measured_live(
    name: str,
    file: Path,
    options: argparse.Namespace,
    grid: Grid,
    settings: Settings,
    rate: float,
) -> Iterator[dict[str, Any]]:
    """Yield the lines of live runs of one peer that manages ``rate`` node-measurements/s."""
    rows_per_s = HALF * rate / len(grid.nodes)
    rows = live_rows(rows_per_s, HOURS)
    prepared = material(grid, settings, rows, batch_for(rows_per_s, 1))
    for _ in range(options.repeat):
        with _place(file, options) as place:
            yield live_line(run_peer(name, place, prepared, rows_per_s), rows_per_s)


@contextmanager
def _place(file: Path, options: argparse.Namespace) -> Iterator[Place]:
    if options.bootstrap:
        cluster_id_now(options.bootstrap)  # a clear error if no broker answers
        yield Place(options.grid, file, options.bootstrap, None, options.limit)
        return
    with apache_broker() as broker:
        process = broker.service.process()
        yield Place(options.grid, file, broker.bootstrap, process, options.limit)


def _in_words(found: dict[str, Any]) -> str:
    figures = (
        f"p50 {found['p50_ms']:,.0f} ms, p99 {found['p99_ms']:,.0f} ms "
        f"at {found['rows_per_s']:.3g} rows/s"
        if found["live"]
        else f"{found['node_measurements_per_s']:,.0f} node-measurements/s"
    )
    equal = "equal" if found["equal"] else "NOT EQUAL"
    return f"{found['peer']}: {figures}, {equal} {'; '.join(found['notes'])}\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--peer", choices=[*PEERS, "all"], default="all")
    parser.add_argument("--grid", default="germany", help=f"{', '.join(GRIDS)}, or a file")
    parser.add_argument("--rows", type=int, required=True, help="hours of measurements")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each peer (1)")
    parser.add_argument("--live", action="store_true", help="also latency at half the peer's rate")
    parser.add_argument("--bootstrap", help="an Apache Kafka; without it one is started")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a run may take (300)")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
