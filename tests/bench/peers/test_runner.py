import sys
from pathlib import Path

import pytest

from bench.inputs.grids import grid_file
from bench.peers.live import WARM_UP_SHARE
from bench.peers.material import Material, material
from bench.peers.programs import PEERS, Peer
from bench.peers.report_lines import line, live_line
from bench.peers.runner import Place, run_peer
from gridstress.settings import Settings
from topology.errors import BrokerError, DataError, GridstressError
from topology.loaders import load_grid

ROWS = 24
ROWS_PER_S = 20.0
SLOW_START_S = 120.0
"""A JVM, or an environment of which nothing has been read yet, beside other tests."""


@pytest.fixture(scope="module")
def day() -> Material:
    return material(load_grid("germany"), Settings(_env_file=None), ROWS, batch=2)


@pytest.fixture(autouse=True)
def _own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def place_at(bootstrap: str, directory: Path, limit_s: float = SLOW_START_S) -> Place:
    file = grid_file("germany", directory)
    return Place("germany", file, bootstrap, limit_s=limit_s)


def check(name: str, place: Place, day: Material) -> None:
    """Both runs of a peer have the right results, and figures that can be."""
    found = line(run_peer(name, place, day))
    assert (found["equal"], found["notes"]) == (True, [])
    assert 1 <= len(found["passes_s"]) <= PEERS[name].passes
    assert found["seconds"] > 0
    assert found["startup_s"] > 0
    assert found["peak_rss"] > 10_000_000
    live = live_line(run_peer(name, place, day, ROWS_PER_S), ROWS_PER_S)
    assert (live["equal"], live["notes"]) == (True, [])
    assert 0 < live["p50_ms"] <= live["p99_ms"]
    assert 0 < live["counted_rows"] <= ROWS * (1 - WARM_UP_SHARE) + 1
    assert 0 < live["rows_per_s"] <= ROWS_PER_S * 1.2


@pytest.mark.integration
def test_a_peer_does_all_at_once_and_live(broker: str, day: Material, tmp_path: Path) -> None:
    check("plain", place_at(broker, tmp_path), day)
    assert list(tmp_path.glob("gridstress-plain-*")) == []


@pytest.mark.integration
def test_a_peer_that_ends_without_results_is_an_error_that_names_its_log(
    broker: str, day: Material, tmp_path: Path
) -> None:
    place = place_at(broker, tmp_path)
    place.grid_file.write_text("no grid")
    with pytest.raises(GridstressError, match="plain ended") as error:
        run_peer("plain", place, day)
    log = Path(error.value.hint.removeprefix("see "))
    assert {file.name for file in log.parent.iterdir()} == {"plain.log", "task.json"}


NONSENSE = """
import pathlib, sys
pathlib.Path(sys.argv[1]).with_name("outcome.json").write_text("{}")
"""


@pytest.mark.integration
def test_results_that_cannot_be_read_are_an_error_that_names_the_log(
    broker: str, day: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers = {"odd": Peer(lambda: [sys.executable, "-c", NONSENSE], ())}
    monkeypatch.setattr("bench.peers.runner.PEERS", peers)
    with pytest.raises(DataError, match="odd left results that cannot be read: KeyError") as error:
        run_peer("odd", place_at(broker, tmp_path), day)
    assert Path(error.value.hint.removeprefix("see ")).is_file()


def test_a_broker_that_does_not_answer_is_an_error(day: Material, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"Kafka at 127\.0\.0\.1:1"):
        run_peer("plain", place_at("127.0.0.1:1", tmp_path), day)


@pytest.mark.kafka
@pytest.mark.timeout(1800)
@pytest.mark.explore(only=True)
@pytest.mark.parametrize("name", [name for name in PEERS if name != "plain"])
def test_every_peer_does_all_at_once_and_live(
    name: str, process_kafka: str, day: Material, tmp_path: Path
) -> None:
    if lack := PEERS[name].missing():
        pytest.skip(f"{name} cannot be run here: {lack}")
    check(name, place_at(process_kafka, tmp_path), day)
