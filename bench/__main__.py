"""Measure gridstress: one command, a table and a JSON file.

python -m bench                                   # everything; hours
python -m bench --quick                           # a smoke test; a minute
python -m bench --only rate,latency --grid refined-2000 --broker apache
python -m bench profile --grid refined-2000       # where a worker's time goes
python -m bench --report .gridstress/bench/result.json   # Markdown for docs/performance.md
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from bench.harness.case import BROKERS, GRIDS, STORES
from bench.harness.machine import about
from bench.harness.process_usage import busy_share
from bench.inputs.prepare import SYNTHETIC, InputCache
from bench.parts import PARTS, QUICK
from bench.profiling import profile
from bench.results.results import Results
from bench.results.tables import markdown, tables
from bench.session import BUSY, Session
from gridstress.logs import quiet_client
from gridstress.settings import ENV_PREFIX
from topology.errors import GridstressError

HOME = Path(".gridstress/bench")


def main() -> int:
    """Measure what was asked for; 1 if the verifier refused a run or something failed."""
    options = _options()
    if options.report:
        sys.stdout.write(markdown(Results.read(options.report)))
        return 0
    # What was started must end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A figure must not depend on the user's own settings.
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        del os.environ[name]
    quiet_client()  # a broker that is just up has no leaders for a moment: it is asked again
    console = Console(stderr=True)
    HOME.mkdir(parents=True, exist_ok=True)
    results = Results({**about(), "options": sys.argv[1:]})
    if (busy := busy_share()) > BUSY:
        results.notes.append(
            f"The machine was not idle when the bench began: {busy:.0%} of its processors were "
            "in use. Compare processor times only."
        )
        console.print(results.notes[-1], style="yellow", highlight=False)
    quick = options.quick
    with _runs(results, keep=options.keep) as home:
        session = Session(
            inputs=InputCache(HOME.resolve(), _load_file(options.load_file)),
            home=home,
            results=results,
            console=console,
            grids=options.grid or (["germany"] if quick else GRIDS),
            stores=options.store or (["rocksdb"] if quick else STORES),
            brokers=options.broker or (["embedded"] if quick else BROKERS),
            repeat=options.repeat or (1 if quick else 3),
            seconds=options.seconds or (4.0 if quick else 30.0),
            rows=options.rows,
            quick=quick,
        )
        try:
            if options.command == "profile":
                return profile(session, HOME / "profile.txt")
            for part in options.only or (QUICK if quick else PARTS):
                PARTS[part](session)
                results.write(options.output)
        except GridstressError as error:
            message = f"{error}; {error.hint}" if error.hint else str(error)
            console.print(f"error: {message}", style="red", highlight=False, markup=False)
            results.unequal.append(message)
    results.write(options.output)
    for table in tables(results):
        Console().print(table)
    sys.stdout.write(f"{options.output}\n")
    return 1 if results.unequal else 0


@contextmanager
def _runs(results: Results, *, keep: bool) -> Iterator[Path]:
    """A directory for the runs; kept if something went wrong, for its logs."""
    home = Path(tempfile.mkdtemp(prefix="runs-", dir=HOME)).resolve()
    try:
        yield home
    finally:
        if not keep and not results.unequal:
            shutil.rmtree(home)


def _options(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=["run", "profile"], default="run")
    parser.add_argument("--quick", action="store_true", help="few rows, one run: a smoke test")
    parser.add_argument("--only", type=_parts, help=f"parts, of {','.join(PARTS)}")
    for name, choices in (("grid", GRIDS), ("store", STORES), ("broker", BROKERS)):
        parser.add_argument(f"--{name}", action="append", choices=choices, help="may be repeated")
    parser.add_argument("--repeat", type=int, help="runs of every case (3)")
    parser.add_argument("--seconds", type=float, help="how long a run should take (30)")
    parser.add_argument("--rows", type=int, help="hours of a run; by default a trial decides")
    parser.add_argument("--load-file", default=SYNTHETIC, help="what is replayed (bundled year)")
    parser.add_argument("--keep", action="store_true", help="keep logs and data of the runs")
    parser.add_argument("--output", type=Path, default=HOME / "result.json")
    parser.add_argument("--report", type=Path, metavar="FILE", help="Markdown of a result")
    return parser.parse_args(words)


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return names


def _load_file(text: str) -> str:
    return text if text == SYNTHETIC else str(Path(text).resolve())


if __name__ == "__main__":
    sys.exit(main())
