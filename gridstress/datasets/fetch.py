"""Download a published file into the user's cache, check it, and keep the columns we read."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from gridstress.datasets import opsd
from gridstress.datasets.download import ProgressBar, download
from gridstress.datasets.table import read_headers
from topology.errors import DataError


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to fetch: where it is, what it must be, and what to keep of it.

    Parameters
    ----------
    size
        Of the file, bytes.
    kept_as
        Name of the small file that is kept.
    keeps
        Whether to keep a column.
    """

    name: str
    url: str
    sha256: str
    size: int
    kept_as: str
    keeps: Callable[[str], bool]

    @property
    def file_name(self) -> str:
        """Last part of the address."""
        return self.url.rpartition("/")[2]


OPSD = RemoteFile(
    name="opsd",
    url="https://data.open-power-system-data.org/time_series/2020-10-06/"
    "time_series_60min_singleindex.csv",
    sha256="6a7f2bc571314cbf9c321cc03437691cd4be95c3a6f075e60ff99e8035c704c8",
    size=130_339_665,
    kept_as="opsd_load_60min.csv",
    keeps=opsd.FORMAT.reads,
)
REMOTE_FILES = {OPSD.name: OPSD}


def cache_dir() -> Path:
    """Where fetched files are kept: the user's cache directory of this machine."""
    import platformdirs

    return platformdirs.user_cache_path("gridstress")


def fetch(
    remote: RemoteFile,
    directory: Path,
    *,
    progress: ProgressBar | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Fetch a file unless it is there already, check its sum, keep its columns.

    A file that was put at ``directory / remote.file_name`` by hand is taken instead of the
    download, if its sum is right, and left there; a downloaded original is removed once its
    columns are kept.

    Parameters
    ----------
    progress, say
        As in `download`.

    Returns
    -------
    Path
        The small file.

    Raises
    ------
    GridstressError, DataError
        As `download`.
    """
    kept = directory / remote.kept_as
    if kept.exists():
        say(f"already here: {kept}")
        return kept
    by_hand = directory / remote.file_name
    # Of another name, so that it is known for a download even after an interruption.
    original = by_hand if by_hand.exists() else directory / f"{remote.kept_as}.original"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not original.exists():
            say(f"fetching {remote.url} ({remote.size / 1e6:.0f} MB)")
        download(
            remote.url,
            original,
            known_hash=f"sha256:{remote.sha256}",
            by_hand=by_hand,
            progress=progress,
            say=say,
        )
        keep_columns(original, kept, remote.keeps)
    except OSError as error:
        raise DataError(f"{error.filename or directory}: {error.strerror or error}") from error
    if original != by_hand:
        original.unlink()
    return kept


def keep_columns(original: Path, kept: Path, keeps: Callable[[str], bool]) -> None:
    """Copy some columns of a comma-separated file, all or nothing; ``keeps`` chooses by name.

    Raises
    ------
    DataError
        If the file has not at least two such columns.
    """
    names = next(iter(read_headers(original))).names
    places = [i for i, name in enumerate(names) if keeps(name)]
    if len(places) < 2:
        raise DataError(f"{original}: row 1 has no columns of times and loads")
    cells = itemgetter(*places)
    unfinished = kept.with_suffix(".part")
    with (
        original.open(encoding="utf-8-sig", newline="") as source,
        unfinished.open("w", encoding="utf-8", newline="") as target,
    ):
        csv.writer(target, lineterminator="\n").writerows(map(cells, csv.reader(source)))
    unfinished.replace(kept)
