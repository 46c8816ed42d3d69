"""A benchmark session: its options, its inputs, and the results so far."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.harness.case import Case
from bench.harness.neighbour import busy_neighbour
from bench.harness.test_bed import TestBed
from bench.inputs.frames import Input
from bench.inputs.plan import WINTER_ROWS, rows_for
from bench.inputs.prepare import InputCache
from bench.measures.drain import Drain, drain
from bench.measures.latency import WARM_UP_S, Latency, latency
from bench.results.results import Results

TRIAL_NODE_MEASUREMENTS = 1_000_000
QUICK_NODE_MEASUREMENTS = 10_000
BUSY = 0.1
"""Share of the processors in use from which on a machine is not idle."""


@dataclass
class Session:
    """Measures cases, each as often as asked, and remembers them.

    Parameters
    ----------
    home
        Directory for brokers, tables and logs of the runs.
    repeat
        Runs of every case.
    seconds
        How long a run should take, at the rate a trial has shown; also of a paced run.
    rows
        Hours of a run; by a trial if None.
    quick
        A smoke test: few rows, no trial.
    """

    inputs: InputCache
    home: Path
    results: Results
    console: Console
    grids: Sequence[str]
    stores: Sequence[str]
    brokers: Sequence[str]
    repeat: int = 3
    seconds: float = 20.0
    rows: int | None = None
    quick: bool = False
    _drains: dict[Case, list[Drain]] = field(default_factory=dict)
    _latencies: dict[tuple[Case, float, bool], list[Latency]] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)

    @property
    def base(self) -> Case:
        """The case that all others differ from in one thing."""
        default = Case()
        grid = default.grid if default.grid in self.grids else self.grids[0]
        return Case(grid, self.stores[0], self.brokers[0])

    def drains(self, case: Case) -> list[Drain]:
        """Runs of a case that were found equal; measured now if they have not been before."""
        if case not in self._drains:
            source = self.inputs.frames(case.grid, self.rows_of(case.grid))
            self._drains[case] = self.drain_all("drain", case, source)
        return self._drains[case]

    def drain_all(self, part: str, case: Case, source: Input) -> list[Drain]:
        """Runs of a case on some input that were found equal."""
        runs = [self._drain(case, source, f"run {i + 1}") for i in range(self.repeat)]
        self.note_runs(part, runs)
        return [run for run in runs if run.equal]

    def latencies(
        self, case: Case, pace: str, rows_per_s: float, count: int, *, busy: bool
    ) -> list[Latency]:
        """Runs of a case at a pace that were found equal; measured now if not before.

        Parameters
        ----------
        pace
            How it is called.
        count
            Runs, if they are measured now.
        busy
            Whether a busy loop runs beside.
        """
        key = case, rows_per_s, busy
        if key not in self._latencies:
            runs = []
            for i in range(count):
                beside = busy_neighbour() if busy else None
                what = f"{pace}, {i + 1}"
                runs.append(self.paced(case, self.inputs, what, rows_per_s, self.seconds, beside))
            self.note_runs("latency", runs)
            self._latencies[key] = [run for run in runs if run.equal]
        return self._latencies[key]

    def paced(
        self,
        case: Case,
        inputs: InputCache,
        what: str,
        rows_per_s: float,
        seconds: float,
        beside: AbstractContextManager[object] | None = None,
    ) -> Latency:
        """One run at a pace, whether equal or not; parameters as of `measures.latency.latency`."""
        with self.testbed(case, f"latency at {what}, {rows_per_s:.1f} rows/s") as testbed:
            warm_up_s = seconds if self.quick else WARM_UP_S
            found = latency(testbed, inputs, rows_per_s, seconds, warm_up_s, beside)
        self.say(f"  p50 {found.p50_ms:.0f} ms, p99 {found.p99_ms:.0f} ms")
        return found

    def rows_of(self, grid: str) -> int:
        """Hours that a run of this grid has, the same for all of its cases."""
        if self.rows is not None:
            return self.rows
        if grid not in self._rows:
            nodes = self._nodes(grid)
            rows = max(48, QUICK_NODE_MEASUREMENTS // nodes)
            if not self.quick:
                rows = min(WINTER_ROWS, TRIAL_NODE_MEASUREMENTS // nodes)
                case = Case(grid, self.stores[0], self.brokers[0])
                trial = self._drain(case, self.inputs.frames(grid, rows), "trial")
                rows = rows_for(trial.rate, nodes, self.seconds)
            self._rows[grid] = rows
        return self._rows[grid]

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A new directory for one measurement; what is in it goes when all was well."""
        place = self.home / f"{len(list(self.home.iterdir())) + 1:03d}"
        place.mkdir()
        yield place
        if not list(place.glob("*.verify.log")):
            for one in place.iterdir():
                shutil.rmtree(one) if one.is_dir() else one.unlink()

    @contextmanager
    def testbed(self, case: Case, what: str) -> Iterator[TestBed]:
        """A fresh broker for one measurement."""
        with (
            self.directory() as place,
            TestBed(case, self.inputs.grid(case.grid), place) as testbed,
        ):
            self.say(f"{case}: {what}; load average {testbed.load_average:.1f}")
            if testbed.busy_before > BUSY:
                self.say(
                    f"  the machine is busy: {testbed.busy_before:.0%} of its processors in use"
                )
            yield testbed

    def note_runs(self, part: str, runs: Sequence[Any]) -> None:
        """Keep runs as they were, and print those that the verifier refused."""
        self.results.runs += [{"part": part, **asdict(run)} for run in runs]
        for run in runs:
            if not run.equal:
                self.results.unequal.append(f"{part}: {getattr(run, 'case', '')}")
                self.say(f"  NOT EQUAL, see the *.verify.log in {self.home}")

    def note(self, text: str) -> None:
        """Keep what must be known to read the figures, and print it."""
        self.results.notes.append(text)
        self.console.print(text, style="yellow", highlight=False, markup=False)

    def say(self, text: str) -> None:
        """Tell the person who waits."""
        self.console.print(text, highlight=False, markup=False)

    def _nodes(self, grid: str) -> int:
        source = self.inputs.frames(grid, 1)
        return source.node_measurements // source.rows

    def _drain(self, case: Case, source: Input, what: str) -> Drain:
        with self.testbed(
            case, f"{what}, {source.node_measurements:,} node-measurements"
        ) as testbed:
            found = drain(testbed, source)
        self.say(
            f"  {found.rate:,.0f} node-measurements/s in {found.seconds:.1f} s, "
            f"processor time {found.worker_cpu_s:.1f} s of workers, {found.views_cpu_s:.1f} s of "
            f"the view server, {found.broker_cpu_s:.1f} s of the broker, "
            f"{found.foreign_cpu_s:.1f} s of others"
        )
        if found.disturbed:
            self.results.notes.append(
                f"{case}, {what}: others took {found.foreign_cpu_s:.1f} s of processor time in "
                f"{found.seconds:.1f} s; the rate is too low."
            )
        return found
