"""Downloads that are whole, cut, changed or wrong, from a web server of our own on loopback."""

import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridstress.datasets.download import CHUNK_BYTES, download
from tests.support.file_server import FileServer, file_server
from tests.support.progress import CountingBar
from topology.errors import DataError, GridstressError

CONTENT = bytes(range(256)) * 1000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
CUT = CHUNK_BYTES


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server(CONTENT) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "file.csv"


def cut(server: FileServer, path: Path) -> None:
    server.cut_after = CUT
    path.parent.mkdir(exist_ok=True)
    with pytest.raises(GridstressError, match="cannot fetch") as error:
        download(server.url, path, known_hash=SHA256)
    assert "continues where it stopped" in error.value.hint
    assert error.value.exit_code == 1
    assert path.with_name("file.csv.part").read_bytes() == CONTENT[:CUT]
    server.cut_after = None


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def test_a_whole_download_leaves_the_file_alone(server: FileServer, path: Path) -> None:
    path.parent.mkdir()
    bar = CountingBar()
    assert download(server.url, path, known_hash=SHA256, progress=bar) == path
    assert path.read_bytes() == CONTENT
    assert (bar.total, bar.done, bar.closed) == (len(CONTENT), len(CONTENT), True)
    assert names(path) == ["file.csv"]


def test_after_a_cut_only_the_rest_is_fetched(server: FileServer, path: Path) -> None:
    cut(server, path)
    bar, lines = CountingBar(), list[str]()
    download(server.url, path, known_hash=SHA256, progress=bar, say=lines.append)
    assert path.read_bytes() == CONTENT
    assert server.sent == [CUT, len(CONTENT) - CUT]
    assert server.asked[1]["If-Range"] == '"1"'
    assert (bar.total, bar.done) == (len(CONTENT), len(CONTENT))
    assert lines == [f"continuing after {CUT:,} bytes"]
    assert names(path) == ["file.csv"]


def test_a_second_cut_keeps_what_both_brought(server: FileServer, path: Path) -> None:
    cut(server, path)
    server.cut_after = CUT
    with pytest.raises(GridstressError):
        download(server.url, path, known_hash=SHA256)
    server.cut_after = None
    download(server.url, path, known_hash=SHA256)
    assert path.read_bytes() == CONTENT
    assert server.sent == [CUT, CUT, len(CONTENT) - 2 * CUT]


def test_a_date_serves_where_the_etag_is_weak(server: FileServer, path: Path) -> None:
    date = "Tue, 06 Oct 2020 10:00:00 GMT"
    server.validators = {"ETag": 'W/"1"', "Last-Modified": date}
    cut(server, path)
    download(server.url, path, known_hash=SHA256)
    assert server.asked[1]["If-Range"] == date
    assert server.sent == [CUT, len(CONTENT) - CUT]


def test_a_file_that_changed_is_fetched_from_its_beginning(server: FileServer, path: Path) -> None:
    cut(server, path)
    server.content, server.validators = CONTENT[::-1], {"ETag": '"2"'}
    md5 = "md5:" + hashlib.md5(CONTENT[::-1]).hexdigest()
    download(server.url, path, known_hash=md5)
    assert path.read_bytes() == CONTENT[::-1]
    assert server.sent == [CUT, len(CONTENT)]


def test_without_ranges_it_begins_again(server: FileServer, path: Path) -> None:
    cut(server, path)
    server.ranges = False
    download(server.url, path, known_hash=SHA256)
    assert path.read_bytes() == CONTENT
    assert server.sent == [CUT, len(CONTENT)]


def test_without_a_version_it_begins_again(server: FileServer, path: Path) -> None:
    server.validators = {}
    cut(server, path)
    download(server.url, path, known_hash=SHA256)
    assert "Range" not in server.asked[1]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("more", [b"", b"and more"])
def test_a_part_that_has_all_bytes_is_taken_and_a_longer_one_is_not(
    more: bytes, server: FileServer, path: Path
) -> None:
    cut(server, path)
    path.with_name("file.csv.part").write_bytes(CONTENT + more)
    download(server.url, path, known_hash=SHA256)
    assert path.read_bytes() == CONTENT
    assert sum(server.sent[1:]) == (len(CONTENT) if more else 0)


def test_a_part_with_wrong_bytes_is_refused_and_then_fetched_anew(
    server: FileServer, path: Path
) -> None:
    cut(server, path)
    path.with_name("file.csv.part").write_bytes(bytes(CUT))
    with pytest.raises(DataError, match="is not the file with SHA-256"):
        download(server.url, path, known_hash=SHA256)
    assert names(path) == []
    download(server.url, path, known_hash=SHA256)
    assert path.read_bytes() == CONTENT


def test_an_empty_answer_is_refused_as_another_file(server: FileServer, path: Path) -> None:
    path.parent.mkdir()
    server.content = b""
    with pytest.raises(DataError, match="is not the file with SHA-256"):
        download(server.url, path, known_hash=SHA256)
    assert names(path) == []


def test_an_md5_is_a_checksum_too(server: FileServer, path: Path) -> None:
    path.parent.mkdir()
    md5 = "md5:" + hashlib.md5(CONTENT).hexdigest()
    download(server.url, path, known_hash=md5)
    download("http://127.0.0.1:1/", path, known_hash=md5)
    with pytest.raises(DataError, match=r"MD5 .* not the file with MD5 00"):
        download("http://127.0.0.1:1/", path, known_hash="md5:00")


def test_a_server_without_the_file_leaves_nothing(server: FileServer, path: Path) -> None:
    path.parent.mkdir()
    url = server.url.replace("file", "gone")
    with pytest.raises(GridstressError, match=f"{url} \\(404") as error:
        download(url, path, known_hash=SHA256)
    assert str(path) in error.value.hint
    assert names(path) == []


def test_two_downloads_of_a_file_at_once_are_refused(server: FileServer, path: Path) -> None:
    cut(server, path)
    with path.with_name("file.csv.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(GridstressError, match="another process"):
            download(server.url, path, known_hash=SHA256)
