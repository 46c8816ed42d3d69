"""Fetching, from a web server of our own on loopback."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gridstress.datasets.fetch import OPSD, RemoteFile, fetch
from gridstress.datasets.reading import read_load
from tests.support.progress import CountingBar
from topology.errors import DataError, GridstressError

CONTENT = (
    b"utc_timestamp,AT_solar,FR_load_actual_entsoe_transparency,DE_load_actual_entsoe_transparency,"
    b"DE_50hertz_load_actual_entsoe_transparency,DE_amprion_load_actual_entsoe_transparency,"
    b"DE_tennet_load_actual_entsoe_transparency,DE_transnetbw_load_actual_entsoe_transparency\n"
    b"2019-01-01T00:00:00Z,9,20,10,1,2,3,4\n2019-01-01T01:00:00Z,9,20,10,1,2,3,\n"
)


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing: the test's output is not the place."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "big.csv").write_bytes(CONTENT)
    handler = partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def remote(url: str, content: bytes = CONTENT) -> RemoteFile:
    sha256 = hashlib.sha256(content).hexdigest()
    return RemoteFile("test", url, sha256, len(content), "small.csv", OPSD.keeps)


def test_a_download_is_checked_cut_to_its_columns_and_readable(server: str, tmp_path: Path) -> None:
    bar = CountingBar()
    kept = fetch(remote(f"{server}/big.csv"), tmp_path / "cache", progress=bar)
    assert (bar.total, bar.done, bar.closed) == (len(CONTENT), len(CONTENT), True)
    assert kept.read_text().splitlines()[1] == "2019-01-01T00:00:00Z,20,10,1,2,3,4"
    assert [path.name for path in kept.parent.iterdir()] == ["small.csv"]
    assert read_load(kept).zones == ("FR", "DE", "50Hertz", "Amprion", "TenneT", "TransnetBW")


def test_what_is_there_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    fetch(remote(f"{server}/big.csv"), tmp_path)
    lines: list[str] = []
    fetch(remote(f"{server}/gone.csv"), tmp_path, say=lines.append)
    assert lines == [f"already here: {tmp_path / 'small.csv'}"]


def test_a_file_without_loads_is_refused(server: str, tmp_path: Path) -> None:
    (tmp_path / "served" / "big.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no columns of times and loads"):
        fetch(remote(f"{server}/big.csv", b"a,b\n1,2\n"), tmp_path / "cache")


def test_another_content_is_refused_and_nothing_is_kept(server: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(DataError, match="SHA-256"):
        fetch(remote(f"{server}/big.csv", b"something else"), cache)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/big.csv", "{server}/gone.csv"])
def test_without_it_one_line_says_the_address_and_where_to_put_it(
    url: str, server: str, tmp_path: Path
) -> None:
    url = url.format(server=server)
    with pytest.raises(GridstressError) as error:
        fetch(remote(url), tmp_path)
    assert url in str(error.value)
    assert "\n" not in str(error.value)
    assert str(tmp_path / url.rpartition("/")[2]) in error.value.hint
    assert error.value.exit_code == 1


def test_a_file_put_there_by_hand_is_taken_and_left(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(CONTENT)
    kept = fetch(remote("http://127.0.0.1:1/big.csv"), tmp_path)
    assert len(kept.read_text().splitlines()) == 3
    assert (tmp_path / "big.csv").exists()


def test_a_download_whose_columns_were_not_kept_is_taken_and_removed(
    server: str, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"

    def interrupted(_column: str) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(replace(remote(f"{server}/big.csv"), keeps=interrupted), cache)
    (tmp_path / "served" / "big.csv").unlink()
    kept = fetch(remote(f"{server}/big.csv"), cache)
    assert list(cache.iterdir()) == [kept]


def test_a_wrong_file_put_there_by_hand_is_refused_and_left(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(b"half of it")
    with pytest.raises(DataError, match="10 bytes with SHA-256"):
        fetch(remote("http://127.0.0.1:1/big.csv"), tmp_path)
    assert (tmp_path / "big.csv").exists()


def test_the_official_file_is_named_by_a_whole_checksum() -> None:
    assert len(OPSD.sha256) == 64
    assert int(OPSD.sha256, 16)
    assert OPSD.size == 130_339_665
