"""`up` goes on without an archive that does not start."""

from dataclasses import replace

import pytest

from gridstress.local import launcher, services
from gridstress.local.launcher import Plan
from gridstress.local.services import Place
from gridstress.settings import Settings
from tests.gridstress.local.conftest import COMMANDS, nothing_left
from topology.errors import GridstressError

pytestmark = pytest.mark.integration

PLAN = Plan(broker="embedded", ui=False, timeout_s=30)
BEGIN = 'if sys.argv[1] == "archive":\n'
WHY = {
    "a file is in the way": (
        "    raise ValueError('no directory')\n",
        "archive ended while starting: ValueError: no directory",
    ),
    "it hangs": ("    time.sleep(600)\n", "archive was not healthy after 10 s: its log is empty"),
}


COMMANDS_OF_ONE_THAT_ENDS = """
import json, os, pathlib, psutil, sys, time

if sys.argv[1] == "archive":
    home = pathlib.Path(os.environ["GRIDSTRESS_ARCHIVE_DIR"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "position.json").touch()
    while not pathlib.Path("enough").exists():
        time.sleep(0.05)
    raise ValueError("the disk is full")

state = json.loads(pathlib.Path(".gridstress/state.json").read_text())
archive = psutil.Process(next(s["pid"] for s in state["services"] if s["name"] == "archive"))
while archive.is_running() and archive.status() != psutil.STATUS_ZOMBIE:
    time.sleep(0.05)
pathlib.Path("replayed").touch()
time.sleep(600)
"""
"""A replay that comes once the archive has ended."""


def with_archive(place: Place, code: str) -> None:
    """What the archive does first."""
    main = place.checkout / "gridstress/__main__.py"
    main.write_text(COMMANDS.replace(BEGIN, f"{BEGIN}{code}"))


@pytest.mark.parametrize("why", WHY)
def test_an_archive_that_does_not_start_is_noted_and_all_else_is_up(
    place: Place, settings: Settings, why: str
) -> None:
    code, reason = WHY[why]
    with_archive(place, code)
    lines: list[str] = []
    plan = replace(PLAN, timeout_s=10 if why == "it hangs" else 30)
    try:
        running = launcher.up(settings, plan, place, lines.append)
        (note,) = [line for line in lines if line.startswith("note: the archive")]
        assert note == (
            f"note: the archive does not run: {reason}; see {place.logs / 'archive.log'}"
        )
        assert [one.name for one in running.running()] == ["broker", "worker-1", "replay"]
        assert services.answers(running.api_url)
    finally:
        outcomes = launcher.down(place)
    assert outcomes[-2:] == [("archive", "ended"), ("broker", "stopped")]
    assert {outcome for _, outcome in outcomes[:-2]} == {"stopped"}
    assert nothing_left(place)


def test_an_archive_that_ends_before_all_is_up_is_noted(place: Place, settings: Settings) -> None:
    (place.checkout / "gridstress/__main__.py").write_text(COMMANDS_OF_ONE_THAT_ENDS)
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        if line.startswith("archive is healthy"):
            (place.checkout / "enough").touch()

    try:
        launcher.up(settings, PLAN, place, note)
        assert lines[-1] == (
            "note: the archive does not run: archive ended after it had been healthy: "
            f"ValueError: the disk is full; see {place.logs / 'archive.log'}"
        )
    finally:
        outcomes = dict(launcher.down(place))
    assert outcomes["archive"] == "ended"
    assert nothing_left(place)


def test_a_worker_that_dies_meanwhile_is_a_failure_of_all(place: Place, settings: Settings) -> None:
    with_archive(
        place,
        """\
    import json, signal
    services = json.loads(pathlib.Path(".gridstress/state.json").read_text())["services"]
    os.kill(next(s["pid"] for s in services if s["name"] == "worker-1"), signal.SIGKILL)
    time.sleep(600)
""",
    )
    with pytest.raises(GridstressError, match="worker-1 ended after it had been healthy"):
        launcher.up(settings, PLAN, place, lambda line: None)
    assert nothing_left(place)
