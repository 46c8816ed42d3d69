"""How long runs are kept in the archive: by age, and by size of all; the oldest go first."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gridstress.archive.files import HALF_MADE, run_folders, run_of

DAY_S, GB = 86_400.0, 1_000_000_000
GOING_S = 26 * 3600.0
"""A run is never deleted for so long after its last file was written: a feed may send daily."""


@dataclass(frozen=True)
class Kept:
    """A run's folder, when it was last written (epoch seconds), and its size in bytes."""

    folder: Path
    run: str
    written_s: float
    size: int


def kept_runs(home: Path) -> list[Kept]:
    """The runs of an archive, the one written last first."""
    return sorted(_kept(home), key=lambda kept: kept.written_s, reverse=True)


def _kept(home: Path) -> Iterator[Kept]:
    for folder in run_folders(home):
        found = [path.stat() for path in folder.glob("*.parquet")]
        if found:
            newest_s = max(stat.st_mtime for stat in found)
            yield Kept(folder, run_of(folder), newest_s, sum(stat.st_size for stat in found))


def delete_old(home: Path, days: float, gigabytes: float) -> list[Kept]:
    """Delete runs beyond an age or a size of all, each 0 for any; gives those that are gone."""
    runs = kept_runs(home)
    now_s, size, gone = time.time(), sum(kept.size for kept in runs), []
    for kept in reversed(runs):
        age_s = now_s - kept.written_s
        old = bool(days) and age_s > days * DAY_S
        large = bool(gigabytes) and size > gigabytes * GB
        if (old or large) and age_s > GOING_S:
            delete(kept.folder)
            size -= kept.size
            gone.append(kept)
    return gone


def delete(folder: Path) -> None:
    """Delete a run's folder; its name goes first, so that none is left half there."""
    doomed = folder.with_name(folder.name + HALF_MADE)
    if doomed.exists():
        shutil.rmtree(doomed)
    folder.rename(doomed)
    shutil.rmtree(doomed)
