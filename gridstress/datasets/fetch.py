"""Download a published file into the user's cache, check it, and keep the columns we read."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridstress.datasets import opsd
from gridstress.datasets.download import ProgressBar, download
from gridstress.datasets.table import read_headers
from topology.errors import DataError


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to fetch: where it is, what it must be, and what to keep of it.

    ``kept_as`` is the name of the small file made of ``columns``; ``size`` is in bytes.
    """

    name: str
    url: str
    sha256: str
    size: int
    kept_as: str
    columns: tuple[str, ...]

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
    kept_as="opsd_de_load_60min.csv",
    columns=(opsd.TIME, *opsd.LOAD_COLUMNS),
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
    original = directory / remote.file_name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        by_hand = original.exists()
        if not by_hand:
            say(f"fetching {remote.url} ({remote.size / 1e6:.0f} MB)")
        download(
            remote.url, original, known_hash=f"sha256:{remote.sha256}", progress=progress, say=say
        )
        keep_columns(original, kept, remote.columns)
    except OSError as error:
        raise DataError(f"{error.filename or directory}: {error.strerror or error}") from error
    if not by_hand:
        original.unlink()
    return kept


def keep_columns(original: Path, kept: Path, columns: tuple[str, ...]) -> None:
    """Copy some columns of a comma-separated file, all or nothing.

    Raises
    ------
    DataError
        If a column is missing.
    """
    header = next(iter(read_headers(original)))
    missing = [name for name in columns if name not in header.names]
    if missing:
        raise DataError(f"{original}: row 1 has no column {missing[0]!r}")
    places = [header.names.index(name) for name in columns]
    unfinished = kept.with_suffix(".part")
    with (
        original.open(encoding="utf-8-sig", newline="") as source,
        unfinished.open("w", encoding="utf-8", newline="") as target,
    ):
        writer = csv.writer(target, lineterminator="\n")
        writer.writerows([row[i] for i in places] for row in csv.reader(source))
    unfinished.replace(kept)
