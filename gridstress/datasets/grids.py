"""Published grids: the files they consist of, and fetching them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from gridstress.datasets.download import ProgressBar, download
from topology.errors import DataError


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """Files at one address.

    ``name`` is that of the folder that they are kept in; ``files`` gives each file's MD5 sum and
    size in bytes.
    """

    name: str
    version: str
    url: str
    files: Mapping[str, tuple[str, int]]


OSM = RemoteFolder(
    name="osm-0.7",
    version="0.7",
    url="https://zenodo.org/records/18619025/files",
    files={
        "buses.csv": ("031c30f04dc24e99210b3f5ad8a01c94", 805_469),
        "lines.csv": ("04d1e7cb33835de9c7d8be4716c6a8bf", 19_806_938),
        "links.csv": ("2ddd515a30cfc19205e6681def579fbd", 322_916),
        "converters.csv": ("fe13a4f336fdc273c808cdfc485b4753", 9_288),
        "transformers.csv": ("b6730b52097d2691d49231bdd53c7bd4", 121_972),
    },
)
"""Prebuilt Electricity Network for PyPSA-Eur based on OpenStreetMap Data, of 12 February 2026."""


def fetch_folder(
    remote: RemoteFolder,
    directory: Path,
    *,
    bar: Callable[[], AbstractContextManager[ProgressBar | None]] = nullcontext,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Fetch the files that are not there yet, and check the sums of all.

    Parameters
    ----------
    directory
        Where the folder is made. Files that were put there by hand are taken.
    bar
        Gives a progress bar for one file.
    say
        Called with what is being done, a line at a time.

    Returns
    -------
    Path
        ``directory / remote.name``.

    Raises
    ------
    GridstressError, DataError
        As ``download``.
    """
    folder = directory / remote.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    for name, (md5, size) in remote.files.items():
        url, path = f"{remote.url}/{name}", folder / name
        if not path.exists():
            say(f"fetching {url} ({size / 1e6:.1f} MB)")
        with bar() as progress:
            download(url, path, known_hash=f"md5:{md5}", progress=progress, say=say)
    return folder
