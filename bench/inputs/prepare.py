"""A cache of what is prepared before a measurement: grids and frames."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from inspect import getfile
from pathlib import Path

from bench.harness.test_bed import CHECKOUT
from bench.inputs.frames import Input
from bench.inputs.grids import grid_file
from bench.inputs.plan import Stretch, stretches, winter_of
from gridstress import __version__
from gridstress.datasets import synthetic
from gridstress.datasets.catalog import open_load
from gridstress.datasets.fitting import resampled
from gridstress.kafka import topics
from gridstress.replay import schedule
from topology import codec, columns, messages
from topology.errors import GridstressError

SYNTHETIC = "synthetic"

FRAME_CODE = tuple(
    Path(getfile(module)) for module in (synthetic, topics, schedule, codec, columns, messages)
)
"""Files of the code that decides what the frames of a load are."""


@dataclass(frozen=True)
class InputCache:
    """Makes and keeps the input.

    Parameters
    ----------
    cache
        Where it is kept; an absolute path.
    load_file
        What is replayed: the bundled year, or an absolute path.
    start
        The first hour that is replayed; in winter if None.
    """

    cache: Path
    load_file: str = SYNTHETIC
    start: datetime | None = None
    _grids: dict[str, Path] = field(default_factory=dict)

    def grid(self, name: str) -> Path:
        """File of a grid, as our JSON; made anew once a session, by the code as it is now."""
        if name not in self._grids:
            (self.cache / f"{name}.json").unlink(missing_ok=True)
            self._grids[name] = grid_file(name, self.cache)
        return self._grids[name]

    def frames(self, grid: str, rows: int) -> Input:
        """Frames of at least so many hours, in one run or several.

        Raises
        ------
        GridstressError
            If the replayer does not make them.
        """
        start, available = self._begin
        return Input([self._file(grid, s) for s in stretches(rows, start, available)])

    def replay_words(self, stretch: Stretch) -> list[str]:
        """Words for `gridstress` that replay a stretch of the load."""
        return [
            *("replay", self.load_file, "--run", stretch.run),
            *("--start", stretch.start.isoformat(), "--until", stretch.until.isoformat()),
        ]

    def stretch(self, run: str, rows: int) -> Stretch:
        """One run of at most so many hours."""
        start, available = self._begin
        return Stretch(run, start, min(rows, available))

    @cached_property
    def _begin(self) -> tuple[datetime, int]:
        series = resampled(open_load(self.load_file))
        times = [time.to_pydatetime() for time in series.values.index]
        start = self.start or winter_of(times)
        return start, sum(time >= start for time in times)

    def _file(self, grid: str, stretch: Stretch) -> Path:
        load = [] if self.load_file == SYNTHETIC else [Path(self.load_file)]
        source = digest_of([self.grid(grid), *load, *FRAME_CODE])
        which = f"{stretch.run}-{stretch.start:%Y%m%dT%H}-{stretch.rows}"
        path = self.cache / f"{grid}-{source}-{which}.jsonl"
        if not path.exists():
            part = path.with_suffix(".part")
            words = [
                *self.replay_words(stretch),
                *("--topology", str(self.grid(grid)), "--speed", "max", "--output", str(part)),
            ]
            done = subprocess.run(
                [sys.executable, "-m", "gridstress", *words],
                cwd=self.cache,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise GridstressError(f"the frames were not made: {done.stderr.strip()[-300:]}")
            part.replace(path)
        return path


def digest_of(files: Iterable[Path]) -> str:
    """Name the content of these files, in their order, and the version of gridstress."""
    digest = blake2b(__version__.encode(), digest_size=4)
    for file in files:
        digest.update(blake2b(file.read_bytes()).digest())
    return digest.hexdigest()
