import subprocess
import sys
from pathlib import Path

import pytest

from gridstress.local import processes
from tests.integration.harness import wait_for
from tests.support import commands

SAYS = """\
import os, sys, time

if "wait" in sys.argv:
    time.sleep(3600)
print(sys.argv[1:], sys.stdin.read(), os.environ["MINE"], "HOME" in os.environ, os.getcwd())
print(sys.modules["gridstress.cli"].__file__, file=sys.stderr)
sys.exit(7)
"""


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module that says what it was given."""
    (tmp_path / "saying.py").write_text(SAYS, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return "saying"


def test_a_command_has_what_it_was_given_and_nothing_else(says: str, tmp_path: Path) -> None:
    done = commands.run(["a", "b"], {"MINE": "x"}, tmp_path, given="read", module=says)
    assert done.stdout == f"['a', 'b'] read x False {tmp_path}\n"
    assert done.returncode == 7


def test_it_begins_with_this_checkout_imported(says: str, tmp_path: Path) -> None:
    done = commands.run([], {"MINE": "x"}, tmp_path, module=says)
    assert done.stderr == f"{commands.CHECKOUT / 'gridstress/cli/__init__.py'}\n"


def test_one_that_does_not_end_is_killed(says: str, tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        commands.run(["wait"], {"MINE": "x"}, tmp_path, timeout_s=0.2, module=says)


def test_a_service_is_found_its_log_read_and_its_end_seen(says: str, tmp_path: Path) -> None:
    def spec(*words: str) -> processes.ServiceSpec:
        command = [sys.executable, "-m", says, *words]
        return processes.ServiceSpec("s", command, lambda: True, {"MINE": "y"}, tmp_path)

    service = commands.spawn(spec("wait"), tmp_path)
    assert service.alive
    processes.stop(service, grace_s=0)
    assert not service.alive
    service = commands.spawn(spec(), tmp_path)
    wait_for(lambda: not service.alive, "it has ended")
    assert Path(service.log).read_text("utf-8").startswith("[]  y ")
