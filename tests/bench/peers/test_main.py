import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.peers.__main__ import main
from bench.peers.programs import PEERS, Peer

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(autouse=True)
def _handler_of_sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def output(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lines of all peers on a day are written to."""
    file = tmp_path / "peers.json"
    words = ["--grid", "germany", "--rows", "24", "--bootstrap", broker, "--output", str(file)]
    monkeypatch.setattr(sys, "argv", ["bench.peers", *words])
    return file


def only(monkeypatch: pytest.MonkeyPatch, **commands: Callable[[], list[str]]) -> None:
    """Let there be the peers of these commands, in their order."""
    peers = {name: Peer(command, ()) for name, command in commands.items()}
    monkeypatch.setattr("bench.peers.__main__.PEERS", peers)
    monkeypatch.setattr("bench.peers.runner.PEERS", peers)
    monkeypatch.setattr("bench.peers.report_lines.PEERS", peers)


def broken() -> list[str]:
    return [sys.executable, "-c", "raise SystemExit('it is broken')"]


def stopped() -> list[str]:
    os.kill(os.getpid(), signal.SIGTERM)
    return []


def names(output: Path) -> list[str]:
    return [line["peer"] for line in json.loads(output.read_text("utf-8"))]


def test_the_error_of_one_peer_does_not_keep_the_others_from_being_run(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, broken=broken, plain=PEERS["plain"].command)
    assert main() == 1
    assert names(output) == ["plain"]
    assert "error: broken ended" in capsys.readouterr().err


def test_the_lines_before_the_end_are_written_when_it_is_stopped(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, plain=PEERS["plain"].command, stopped=stopped)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 143
    assert names(output) == ["plain"]
