"""Measure gridstress: one command, a table and a JSON file.

python -m bench                                   # everything; 90 minutes
python -m bench --quick                           # a smoke test; three minutes
python -m bench --only rate,latency --grid refined-2000 --broker apache
python -m bench profile --grid refined-2000       # where a worker's time goes
python -m bench --report .gridstress/bench/result.json   # Markdown for docs/performance.md
python -m bench --report .gridstress/bench/result.json --picture docs/images/latency.svg
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
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
from bench.results.picture import curve_svg
from bench.results.report import markdown
from bench.results.results import Results
from bench.results.tables import tables
from bench.session import BUSY, Session
from gridstress.logs import quiet_client
from gridstress.settings import ENV_PREFIX
from topology.errors import GridstressError

HOME = Path(".gridstress/bench")


def main() -> int:
    """Measure what was asked for; 1 if the verifier refused a run or something failed."""
    options = _options()
    if options.report:
        return _report(options.report, options.picture)
    # What was started must end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A figure must not depend on the user's own settings.
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        del os.environ[name]
    quiet_client()  # a broker that is just up has no leaders for a moment: it is asked again
    HOME.mkdir(parents=True, exist_ok=True)
    results = Results({**about(), "options": sys.argv[1:]})
    with _runs(results, keep=options.keep) as home:
        session = _session(options, results, home)
        if (busy := busy_share()) > BUSY:
            session.note(
                f"The machine was not idle when the bench began: {busy:.0%} of its processors "
                "were in use. Compare processor times only."
            )
        if options.command == "profile":
            with _noted(session, "profile"):
                profile(session, HOME / "profile.txt")
            return 1 if results.unequal else 0
        for part in options.only or (QUICK if options.quick else PARTS):
            began = time.monotonic()
            with _noted(session, part):
                PARTS[part](session)
            results.took_s[part] = round(time.monotonic() - began, 1)
            results.write(options.output)
    for table in tables(results):
        Console().print(table)
    sys.stdout.write(f"{options.output}\n")
    return 1 if results.unequal else 0


def _session(options: argparse.Namespace, results: Results, home: Path) -> Session:
    quick = options.quick
    return Session(
        inputs=InputCache(HOME.resolve(), _load_file(options.load_file)),
        home=home,
        results=results,
        console=Console(stderr=True),
        grids=options.grid or (["germany"] if quick else GRIDS),
        stores=options.store or (["rocksdb"] if quick else STORES),
        brokers=options.broker or (["embedded"] if quick else BROKERS),
        repeat=options.repeat or (1 if quick else 3),
        seconds=options.seconds or (4.0 if quick else 20.0),
        rows=options.rows,
        quick=quick,
    )


def _report(file: Path, picture: Path | None) -> int:
    """Print a result as Markdown and draw its latency curve, if that is asked for."""
    try:
        results = Results.read(file)
        if picture:
            picture.write_text(curve_svg(results), encoding="utf-8")
    except GridstressError as error:
        sys.stderr.write(f"error: {error}; {error.hint}\n")
        return error.exit_code
    sys.stdout.write(markdown(results))
    return 0


@contextmanager
def _noted(session: Session, part: str) -> Iterator[None]:
    """Note an error of one part, so that the others are measured all the same."""
    try:
        yield
    except GridstressError as error:
        message = f"{part}: {error}; {error.hint}" if error.hint else f"{part}: {error}"
        session.console.print(f"error: {message}", style="red", highlight=False, markup=False)
        session.results.unequal.append(message)


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
    parser.add_argument("--seconds", type=float, help="how long a run should take (20)")
    parser.add_argument("--rows", type=int, help="hours of a run; by default a trial decides")
    parser.add_argument("--load-file", default=SYNTHETIC, help="what is replayed (bundled year)")
    parser.add_argument("--keep", action="store_true", help="keep logs and data of the runs")
    parser.add_argument("--output", type=Path, default=HOME / "result.json")
    parser.add_argument("--report", type=Path, metavar="FILE", help="Markdown of a result")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="with --report: its latency curve as SVG"
    )
    options = parser.parse_args(words)
    if options.picture and not options.report:
        parser.error("--picture draws the result that --report names")
    return options


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return names


def _load_file(text: str) -> str:
    return text if text == SYNTHETIC else str(Path(text).resolve())


if __name__ == "__main__":
    sys.exit(main())
