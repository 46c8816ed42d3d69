"""Download a file over HTTP: checked by its sum, and continued after a cut."""

import fcntl
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from topology.errors import DataError, GridstressError

CHUNK_BYTES = 1 << 16
TIMEOUT_S = 30
"""A download has failed after so long without a byte."""

PART, VERSION = ".part", ".part.version"
"""Endings of an unfinished file, and of the note which version of the file it is a part of."""


class ProgressBar(Protocol):
    """A progress bar, as pooch has it; counts bytes."""

    total: int

    def update(self, size: int) -> None:
        """Add bytes."""

    def reset(self) -> None:
        """Begin again at 0."""

    def close(self) -> None:
        """The file is whole."""


def download(
    url: str,
    path: Path,
    *,
    known_hash: str,
    by_hand: Path | None = None,
    progress: ProgressBar | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Download a file to ``path``, unless it is there already, and check its sum.

    What a download that was cut off has got is kept beside ``path`` (``.part``); the next call
    continues there, if the server can send the rest of the same version of the file.

    Parameters
    ----------
    path
        A file that is here already, for example downloaded by hand, is checked and left.
    known_hash
        ``algorithm:hexadecimal``, such as ``sha256:6a7f…`` or ``md5:04d1…``, of the whole file.
    by_hand
        Where users are asked to put the file if it cannot be downloaded; ``path`` by default.
    say
        Called with what is being done, a line at a time.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    GridstressError
        If it cannot be downloaded: with the address, and where to put the file by hand.
    DataError
        If what was downloaded, or was at ``path``, is another file, or ``path`` cannot be written.
    """
    import pooch
    import requests

    if path.exists():
        say(f"checking {path}")
        return _checked(url, path, known_hash)
    pooch.get_logger().setLevel(logging.ERROR)
    try:
        pooch.retrieve(
            url=url,
            known_hash=known_hash,
            fname=path.name,
            path=path.parent,
            downloader=Downloader(path, progress, say),
        )
    except requests.RequestException as error:
        raise GridstressError(
            f"cannot fetch {url} ({_cause(error)})",
            hint="run this command again, it continues where it stopped if the server can; or "
            f"download the file by hand to {by_hand or path}",
        ) from error
    except ValueError as error:
        raise DataError(
            f"{url}: what was downloaded is not the file with {_named(known_hash)}",
            hint="try again; a proxy may have answered instead",
        ) from error
    except OSError as error:
        raise DataError(f"{error.filename or path}: {error.strerror or error}") from error
    return path


@dataclass(frozen=True)
class Downloader:
    """Downloads one file for pooch, through a part beside ``path`` that outlives a cut."""

    path: Path
    progress: ProgressBar | None
    say: Callable[[str], None]

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Download ``url``, or the rest of it, and move it to ``output_file``.

        Raises
        ------
        requests.RequestException
            If it ends before the file is whole.
        """
        with self._part() as part:
            if not self._take(url, part, part.tell()):
                self._take(url, part, 0)
            if self.progress:
                self.progress.close()
            self._beside(PART).replace(output_file)
            self._beside(VERSION).unlink(missing_ok=True)

    def _take(self, url: str, part: IO[bytes], have: int) -> bool:
        """Append what is missing behind ``have`` bytes; False if the server cannot continue."""
        import requests

        version = self._version() if have else ""
        have = have if version else 0
        # Ranges count the bytes as they are sent, so nothing may be compressed on the way.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            begin, whole = _extent(response)
            if have and response.status_code == 416:
                return have == whole
            response.raise_for_status()
            if begin not in (0, have):
                return False
            if begin:
                self.say(f"continuing after {begin:,} bytes")
            else:
                part.truncate(0)
                self._beside(VERSION).write_text(_validator(response), "latin-1")
            self._write(response, part, begin, whole)
        return True

    def _write(self, response: Any, part: IO[bytes], begin: int, whole: int) -> None:
        if self.progress:
            self.progress.total = whole
            self.progress.reset()
            self.progress.update(begin)
        for chunk in response.iter_content(CHUNK_BYTES):
            part.write(chunk)
            if self.progress:
                self.progress.update(len(chunk))

    @contextmanager
    def _part(self) -> Iterator[IO[bytes]]:
        with self._beside(PART).open("ab") as part:
            try:
                fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GridstressError(
                    f"another process is downloading {self.path}", hint="wait for it"
                ) from None
            try:
                yield part
            finally:
                if not part.tell():
                    self._beside(PART).unlink(missing_ok=True)
                    self._beside(VERSION).unlink(missing_ok=True)

    def _version(self) -> str:
        note = self._beside(VERSION)
        return note.read_text("latin-1") if note.exists() else ""

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


def _extent(response: Any) -> tuple[int, int]:
    """First byte of an answer, and the size of the whole file; 0 where the server is silent."""
    found = re.fullmatch(
        r"bytes (?:\*|(\d+)-\d+)/(\d+|\*)", response.headers.get("Content-Range", "")
    )
    if response.status_code in (206, 416) and found:
        return int(found[1] or 0), int(found[2]) if found[2].isdigit() else 0
    return 0, int(response.headers.get("Content-Length", 0))


def _validator(response: Any) -> str:
    """What tells this version of the file from others, for ``If-Range``; "" if nothing does.

    A weak ETag does not promise equal bytes (RFC 9110, 13.1.5); nor do compressed answers.
    """
    if "Content-Encoding" in response.headers:
        return ""
    etag: str = response.headers.get("ETag", "")
    strong = etag.startswith('"')
    return etag if strong else response.headers.get("Last-Modified", "")


def _checked(url: str, path: Path, known_hash: str) -> Path:
    import pooch

    algorithm = known_hash.rpartition(":")[0] or "sha256"
    found = f"{algorithm}:{pooch.file_hash(str(path), alg=algorithm)}"
    if found != known_hash:
        raise DataError(
            f"{path}: {path.stat().st_size:,} bytes with {_named(found)}, not the file with "
            f"{_named(known_hash)}",
            hint=f"remove it and download {url} again",
        )
    return path


def _named(known_hash: str) -> str:
    algorithm, _, value = known_hash.rpartition(":")
    return f"{algorithm.upper().replace('SHA', 'SHA-')} {value}"


def _cause(error: BaseException) -> str:
    """Name what it came down to, without the addresses of objects that requests puts in."""
    from requests import HTTPError

    if isinstance(error, HTTPError):
        return str(error).partition(" for url")[0]
    return type(error).__name__
