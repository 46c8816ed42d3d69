"""Measure other ways to do the same work.

python -m bench.peers --peer all --grid germany --rows 24 --output peers.json
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness.brokers import apache_broker
from bench.harness.case import GRIDS
from bench.inputs.grids import grid_file
from bench.peers.material import material
from bench.peers.runner import PEERS, run_peer
from gridstress.local.broker import cluster_id_now
from gridstress.settings import load_settings
from topology.errors import GridstressError
from topology.loaders import load_grid, to_json


def main() -> int:
    """Run the peers that were asked for, write their lines as JSON; exit code as `gridstress`."""
    options = _options()
    try:
        lines = measure(options)
    except GridstressError as error:
        sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    options.output.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
    for line in lines:
        sys.stderr.write(
            f"{line['peer']}: {line['node_measurements_per_s']:,.0f} node-measurements/s, "
            f"{'equal' if line['equal'] else 'NOT EQUAL'} {'; '.join(line['notes'])}\n"
        )
    return 0


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Prepare the measurements once and run one peer after the other."""
    peers = list(PEERS) if options.peer == "all" else [options.peer]
    with (
        tempfile.TemporaryDirectory(prefix="gridstress-peers-") as directory,
        _broker(options.bootstrap) as bootstrap,
    ):
        file = Path(directory) / "grid.json"
        if options.grid in GRIDS:
            file = grid_file(options.grid, Path(directory))
        else:
            file.write_bytes(to_json(load_grid(options.grid)))
        prepared = material(load_grid(str(file)), load_settings(), options.rows)
        return [
            run_peer(peer, options.grid, file, prepared, bootstrap, options.limit) for peer in peers
        ]


@contextmanager
def _broker(bootstrap: str | None) -> Iterator[str]:
    if bootstrap:
        cluster_id_now(bootstrap)  # a clear error if no broker answers
        yield bootstrap
        return
    with apache_broker() as broker:
        yield broker.bootstrap


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=[*PEERS, "all"], default="all")
    parser.add_argument("--grid", default="germany", help=f"{', '.join(GRIDS)}, or a file")
    parser.add_argument("--rows", type=int, required=True, help="hours of measurements")
    parser.add_argument("--bootstrap", help="an Apache Kafka; without it one is started")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a peer may take")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
