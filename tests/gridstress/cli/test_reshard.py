"""``gridstress reshard``: what it refuses before it asks a broker."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridstress.archive.files import Archive
from gridstress.cli import app
from gridstress.local.processes import free_port
from topology.errors import BrokerError, UsageError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "archive"
    monkeypatch.setenv("GRIDSTRESS_ARCHIVE_DIR", str(home))
    monkeypatch.setenv("GRIDSTRESS_BROKER", f"kafka://127.0.0.1:{free_port()}")
    return home


def reshard(backup: Path) -> None:
    found = CliRunner().invoke(app, ["reshard", "7", "--backup", str(backup), "--yes"])
    assert found.exception
    raise found.exception


def test_an_archive_that_is_being_written_is_to_be_stopped_first(
    home: Path, tmp_path: Path
) -> None:
    with (
        Archive.locked(home),
        pytest.raises(UsageError, match=f"the archive {home} is being written") as caught,
    ):
        reshard(tmp_path / "backup")
    assert caught.value.hint == "stop `gridstress archive` first"
    with pytest.raises(BrokerError, match="no Kafka broker answers"):
        reshard(tmp_path / "backup")


def test_no_archive_can_be_written_meanwhile(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive.locked(home):
        pass

    async def asked_meanwhile(_broker: object) -> bool:
        with pytest.raises(UsageError, match="another process writes"), Archive.locked(home):
            pass
        return True

    monkeypatch.setattr("gridstress.kafka.probe.is_embedded", asked_meanwhile)
    with pytest.raises(UsageError, match="the embedded broker forgets"):
        reshard(tmp_path / "backup")
    with Archive.locked(home):
        pass


def test_without_an_archive_none_is_made(home: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="no Kafka broker answers"):
        reshard(tmp_path / "backup")
    assert not home.exists()
