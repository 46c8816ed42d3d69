"""`gridstress up` reads the load before it starts anything."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridstress.cli import app
from gridstress.datasets import catalog
from gridstress.local import launcher
from gridstress.local.processes import free_port
from gridstress.local.services import Place
from topology.errors import BrokerError, DataError, UsageError

run = CliRunner()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path, tmp_path / ".gridstress")
    monkeypatch.setattr(launcher, "here", lambda: made)
    monkeypatch.setattr(catalog, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setenv("GRIDSTRESS_WEB_PORT", str(free_port()))
    monkeypatch.setenv("GRIDSTRESS_UI_PORT", str(free_port()))
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield made
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(autouse=True)
def grid(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"name": "a", "lat": 0, "lon": 0, "zone": "north", "rating_mw": 10, "sensitivity": 0.8}
    nodes = [{**node, "id": "a", "share": 1}]
    Path("grid.json").write_text(json.dumps({"name": "mine", "nodes": nodes, "lines": []}))
    monkeypatch.setenv("GRIDSTRESS_TOPOLOGY", "grid.json")


def load() -> None:
    rows = (f"2024-01-01T{hour:02}:00Z,{zone},5" for hour in range(3) for zone in "AB")
    Path("load.csv").write_text("\n".join(["timestamp,zone,load_mw", *rows]))


def up(*options: str) -> str:
    """Call `up` with a broker that is not there, and give what it said on its way."""
    broker = f"kafka://127.0.0.1:{free_port()}"
    result = run.invoke(app, ["up", "--broker", broker, *options])
    assert result.exception is not None
    if not isinstance(result.exception, BrokerError):
        raise result.exception
    return result.output


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (["--source", "none.csv"], DataError, "none.csv: no such file"),
        (["--source", "opsd"], DataError, "opsd: not fetched yet"),
        (["--source", "load.csv"], DataError, "no zone 'A', 'B' in grid 'mine'"),
        (["--source", "load.csv", "--map", "A,C=north"], DataError, "no zone 'C'"),
        (["--source", "load.csv", "--map", "A=south"], UsageError, "zone 'south', which grid"),
        (["--source", "load.csv", "--unit", "GW"], UsageError, "read as it is"),
        (["--zone", "north"], UsageError, "the synthetic year has its zones"),
        (["--speed", "fast"], UsageError, "'fast'"),
    ],
)
def test_what_the_replay_could_not_send_is_found_before_anything_starts(
    place: Place, options: list[str], kind: type[Exception], message: str
) -> None:
    load()
    with pytest.raises(kind, match=message):
        up(*options)
    assert not place.home.exists()


def test_a_grid_that_cannot_be_read_is_found_before_anything_starts(place: Place) -> None:
    Path("grid.json").write_text("{")
    with pytest.raises(DataError, match=r"grid\.json"):
        up()
    assert not place.home.exists()


def test_a_jump_that_the_workers_refuse_is_found_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load()
    monkeypatch.setenv("GRIDSTRESS_MAX_AHEAD_S", "1800")
    with pytest.raises(DataError, match="a value every 3600 s"):
        up("--source", "load.csv", "--map", "A=north")


def test_a_load_that_fits_is_started() -> None:
    load()
    assert "note:" not in up("--source", "load.csv", "--map", "A,B=north")
    assert "the bundled year does not fit grid 'mine'" in up()


def test_without_a_replay_no_load_is_read() -> None:
    up("--no-replay", "--source", "none.csv")


def test_a_fetched_data_set_is_replayed_by_its_name(tmp_path: Path) -> None:
    kept = tmp_path / "cache" / catalog.OPSD.kept_as
    kept.parent.mkdir()
    suffix = "_load_actual_entsoe_transparency"
    header = f"utc_timestamp,DE_50hertz{suffix},DE{suffix}"
    rows = (f"2019-01-01T{hour:02}:00Z,1,2" for hour in range(3))
    kept.write_text("\n".join([header, *rows]))
    up("--source", "opsd", "--map", "national=north")
    assert catalog.file_of("opsd") == kept
    assert catalog.file_of("synthetic") is None


def test_a_country_comes_with_its_load() -> None:
    with pytest.raises(UsageError, match="--country brings its load"):
        up("--country", "FR", "--source", "load.csv")
    assert "OpenStreetMap" not in up("--country", "FR", "--only", "broker")
