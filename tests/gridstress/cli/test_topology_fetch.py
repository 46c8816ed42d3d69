"""``topology fetch osm`` from a web server of our own on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridstress.cli import topology
from gridstress.cli.country import fetch_country
from gridstress.cli.load_options import LoadOptions
from gridstress.datasets import fetch, grids
from gridstress.datasets.grids import OSM
from tests.support.osm_files import COUNTRIES, Size, write_osm_files
from topology.errors import DataError, GridstressError, UsageError
from topology.loaders import load_grid, read_raw, validate

SIZE = Size()


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing: the test's output is not the place."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    write_osm_files(folder, SIZE)
    return folder


@pytest.fixture
def cache(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the files are to be kept; the server that has them is the address of the data set."""
    handler = partial(Handler, directory=str(published))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        files = {
            name: (hashlib.md5((published / name).read_bytes()).hexdigest(), 1)
            for name in OSM.files
        }
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(grids, "OSM", replace(OSM, url=url, files=files))
        monkeypatch.setattr(fetch, "cache_dir", lambda: tmp_path / "cache")
        monkeypatch.chdir(tmp_path)
        yield tmp_path / "cache" / OSM.name
        server.shutdown()
        thread.join()


def _fetch(*args: str) -> str:
    words = ["fetch", "osm", *args, "-o", "grid.json"]
    result = CliRunner().invoke(topology.app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def _without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "OSM", replace(grids.OSM, url="http://127.0.0.1:1"))


def test_a_country_becomes_a_grid_that_can_be_used(cache: Path) -> None:
    output = _fetch("--country", "fr")
    grid = load_grid("grid.json")
    assert (grid.name, grid.zones) == ("osm-fr", ("FR",))
    assert validate(read_raw("grid.json")) == []
    assert f"wrote grid.json: {len(grid.nodes)} nodes, {len(grid.lines)} lines" in output
    assert "left out: " in output
    assert "lines that lead to other countries" in output
    assert "next: gridstress topology fit grid.json" in output
    assert {path.name for path in cache.iterdir()} == set(OSM.files)


def test_the_source_and_its_licence_are_printed_and_in_the_file(cache: Path) -> None:
    credit = (
        "© OpenStreetMap contributors, ODbL 1.0; Prebuilt Electricity Network for PyPSA-Eur 0.7 "
        "(Xiong et al. 2025)"
    )
    output = _fetch("--all")
    assert f"credit: {credit}" in output
    assert json.loads(Path("grid.json").read_text())["credit"] == credit


def test_all_of_it_is_one_grid_without_its_islands_unless_they_are_kept(cache: Path) -> None:
    output = _fetch("--all", "--name", "mine")
    assert "left out: an island of 2 (way/900000000, way/900000001)" in output
    grid = load_grid("grid.json")
    assert (grid.name, len(grid.nodes)) == ("mine", SIZE.stations)
    assert len(grid.zones) == SIZE.countries
    output = _fetch("--all", "--keep-islands", "--keep-buses", "--force")
    assert "an island of" not in output.replace("leave an island of", "")
    assert len(load_grid("grid.json").nodes) == SIZE.buses + 2


def test_countries_are_repeated_or_set_apart_by_commas(cache: Path) -> None:
    _fetch("--country", "FR,ES", "--country", "PT")
    grid = load_grid("grid.json")
    assert (grid.name, grid.zones) == ("osm-es-fr-pt", ("ES", "FR", "PT"))


def test_a_second_call_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fetch("--country", "FR")
    _without_network(monkeypatch)
    _fetch("--country", "ES", "--force")
    assert load_grid("grid.json").zones == ("ES",)


def test_files_put_there_by_hand_are_taken_if_their_sums_are_right(
    cache: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_network(monkeypatch)
    cache.mkdir(parents=True)
    for name in OSM.files:
        (cache / name).write_bytes((published / name).read_bytes())
    _fetch("--country", "FR")
    with (cache / "lines.csv").open("ab") as file:
        file.write(b"\n")
    with pytest.raises(DataError, match=r"lines\.csv.*MD5"):
        _fetch("--country", "FR", "--force")


def test_without_network_the_error_says_the_address_and_where_to_put_the_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_network(monkeypatch)
    with pytest.raises(GridstressError, match=r"http://127\.0\.0\.1:1/buses\.csv") as error:
        _fetch("--country", "FR")
    assert str(cache / "buses.csv") in error.value.hint
    assert error.value.exit_code == 1


def test_a_country_that_is_not_there_is_refused_with_those_that_are(cache: Path) -> None:
    with pytest.raises(UsageError, match="no bus lies in XX") as error:
        _fetch("--country", "XX")
    assert error.value.hint == "there is BE ES FR PT"
    assert not Path("grid.json").exists()


@pytest.mark.parametrize("args", [[], ["--all", "--country", "FR"], ["--country", ","]])
def test_countries_or_all_are_needed_before_anything_is_fetched(
    args: list[str], cache: Path
) -> None:
    with pytest.raises(UsageError, match="--country"):
        _fetch(*args)
    assert not cache.exists()


def test_a_file_that_exists_is_not_replaced_unless_asked(cache: Path) -> None:
    Path("grid.json").write_text("precious")
    with pytest.raises(UsageError, match="exists"):
        _fetch("--country", "FR")
    assert Path("grid.json").read_text() == "precious"
    assert not cache.exists()


def test_the_published_files_are_named_by_whole_sums() -> None:
    names = ("buses", "lines", "links", "converters", "transformers")
    assert set(OSM.files) == {f"{name}.csv" for name in names}
    assert all(len(md5) == 32 and int(md5, 16) for md5, _ in OSM.files.values())


def _opsd(cache: Path) -> None:
    """Loads of some hours, in the form that `data fetch opsd` keeps."""
    suffix = "_load_actual_entsoe_transparency"
    codes = COUNTRIES[: SIZE.countries]
    rows = [
        f"2019-01-0{1 + hour // 24}T{hour % 24:02}:00:00Z,"
        + ",".join(str(1000 + 50 * (hour % 24) + i) for i in range(len(codes)))
        for hour in range(72)
    ]
    header = ",".join(["utc_timestamp", *(f"{code}{suffix}" for code in codes)])
    cache.parent.mkdir(parents=True, exist_ok=True)
    (cache.parent / fetch.OPSD.kept_as).write_text("\n".join([header, *rows]))


@pytest.mark.parametrize(
    ("country", "zones"), [("es", COUNTRIES[1:2]), ("europe", COUNTRIES[: SIZE.countries])]
)
def test_a_country_s_grid_is_fitted_to_its_load(
    cache: Path, country: str, zones: tuple[str, ...]
) -> None:
    _opsd(cache)
    found = fetch_country(country, 0.85, LoadOptions())
    grid = load_grid(str(found.grid))
    assert grid.zones == tuple(sorted(zones))
    assert "3.0% of its node-hours" in grid.assumptions["rating_mw"]
    assert "OpenStreetMap" in grid.credit
    assert found.reading.on_gap == "interpolate"
    assert fetch_country(country, 0.85, LoadOptions()) == found  # again, from the cache
    # A grid that a running system reads is not written over.
    assert fetch_country(country, 0.5, LoadOptions()).grid != found.grid


def test_a_country_without_load_is_refused_with_the_way_on(cache: Path) -> None:
    _opsd(cache)
    kept = cache.parent / fetch.OPSD.kept_as
    kept.write_text(kept.read_text().replace("ES_load", "XX_load"))
    with pytest.raises(UsageError, match=r"--country ES: opsd: no zone .* in grid") as caught:
        fetch_country("ES", 0.85, LoadOptions())
    assert "topology fit" in (caught.value.hint or "")
