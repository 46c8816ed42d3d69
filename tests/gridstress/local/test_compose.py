"""The launcher with Docker Compose; a stand-in for the `docker` client notes what it is asked."""

import json
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from gridstress.local import launcher, state_file
from gridstress.local.launcher import Plan
from gridstress.local.services import Place
from gridstress.settings import Settings
from tests.gridstress.local.test_launcher import quiet
from topology.errors import GridstressError

DOCKER = """#!{python}
import json, os, pathlib, sys
home = pathlib.Path({home!r})
with (home / "calls").open("a") as calls:
    calls.write(json.dumps([sys.argv[1:], os.environ.get("WEB_PORTS")]) + "\\n")
if "up" in sys.argv:
    if (home / "broken").exists():
        sys.exit("dependency failed to start: container gridstress-kafka-1 is unhealthy")
    (home / "on").touch()
    (home / "token").write_text(os.environ.get("GRIDSTRESS_API_TOKEN", ""))
if "ps" in sys.argv and (home / "on").exists():
    print(json.dumps({{"Name": "gridstress-worker-1", "State": "exited", "ExitCode": 0}}))
if "down" in sys.argv:
    (home / "on").unlink(missing_ok=True)
"""


@pytest.fixture
def docker_calls(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the `docker` client that notes how it was called: no engine in a test."""
    home = place.checkout / "docker"
    home.mkdir()
    program = home / "docker"
    program.write_text(DOCKER.format(python=sys.executable, home=str(home)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(home))
    (place.checkout / "docker-compose.yml").write_text("services: {}\n")
    return home


def calls(home: Path) -> list[list[str]]:
    return [json.loads(line)[0] for line in (home / "calls").read_text().splitlines()]


def test_docker_runs_the_compose_file_with_settings_and_files_handed_on(
    place: Place, settings: Settings, docker_calls: Path
) -> None:
    series = place.checkout / "year.csv"
    series.touch()
    given = Settings(
        web_port=settings.web_port,
        ui_port=settings.ui_port,
        level_clear=0.3,
        broker=settings.broker,
    )
    plan = Plan(broker="docker", workers=2, speed="60", source=series)
    running = launcher.up(given, plan, place, quiet)
    assert running.broker == "docker"
    ups = [call for call in calls(docker_calls) if "up" in call]
    assert ups[0][-4:] == ["kafka", "worker", "archive", "ui"]
    assert {"--wait", "worker=2"} <= set(ups[0])
    assert ups[1][-1] == "replay"
    assert "--no-deps" in ups[1]
    override = json.loads(Path(running.compose_files[1]).read_text())["services"]
    assert override["worker"]["environment"] == {"GRIDSTRESS_LEVEL_CLEAR": "0.3"}
    assert override["replay"]["command"][-4:] == [str(series), "--speed", "60", "--stay"]
    assert override["replay"]["volumes"] == [f"{series}:{series}:ro"]
    notes = [json.loads(line) for line in (docker_calls / "calls").read_text().splitlines()]
    ports = f"{settings.web_port}-{settings.web_port + 1}"
    assert {web_ports for call, web_ports in notes if "up" in call} == {ports}

    with pytest.raises(GridstressError, match="already up: gridstress-worker-1"):
        launcher.up(given, plan, place, quiet)
    assert launcher.down(place) == [("gridstress-worker-1", "stopped")]
    *_, stop, remove, down = calls(docker_calls)
    # The archive ends after what it archives, and its volume, which has a name, stays.
    assert stop[-3:] == ["stop", "replay", "worker"]
    assert remove[-4:] == ["rm", "--stop", "--force", "--volumes"]
    assert down[-2:] == ["down", "--remove-orphans"]


def test_docker_is_given_how_the_file_is_read_and_the_mapping_beside_it(
    place: Place, settings: Settings, docker_calls: Path
) -> None:
    series, beside = place.checkout / "year.csv", place.checkout / "year.csv.mapping.toml"
    series.touch()
    beside.touch()
    plan = Plan(broker="docker", source=series, reading=("--map=A,B=x", "--value-column=US$"))
    running = launcher.up(settings, plan, place, quiet)
    replay = json.loads(Path(running.compose_files[1]).read_text())["services"]["replay"]
    assert replay["command"][:3] == ["gridstress", "replay", str(series)]
    # Compose makes one $ of two.
    assert replay["command"][3:5] == ["--map=A,B=x", "--value-column=US$$"]
    assert replay["volumes"] == [f"{path}:{path}:ro" for path in (series, beside)]


def test_docker_has_a_link_under_its_own_name_beside_its_mapping(
    place: Place, settings: Settings, docker_calls: Path
) -> None:
    kept, series = place.checkout / "kept.csv", place.checkout / "year.csv"
    beside = place.checkout / "year.csv.mapping.toml"
    kept.touch()
    beside.touch()
    series.symlink_to(kept)
    running = launcher.up(settings, Plan(broker="docker", source=series), place, quiet)
    replay = json.loads(Path(running.compose_files[1]).read_text())["services"]["replay"]
    assert replay["command"][:3] == ["gridstress", "replay", str(series)]
    assert replay["volumes"] == [f"{kept}:{series}:ro", f"{beside}:{beside}:ro"]


def test_the_token_reaches_the_containers_and_no_file(
    place: Place, settings: Settings, docker_calls: Path
) -> None:
    token = "correct-horse-battery"
    given = settings.model_copy(update={"api_token": SecretStr(token)})
    running = launcher.up(given, Plan(broker="docker"), place, quiet)
    override = json.loads(Path(running.compose_files[1]).read_text())["services"]
    assert override["worker"]["environment"]["GRIDSTRESS_API_TOKEN"] is None  # passed through
    assert (docker_calls / "token").read_text() == token
    for path in place.home.rglob("*"):
        assert path.is_dir() or token not in path.read_text(errors="replace")


def test_containers_that_do_not_come_up_are_removed_and_the_reason_is_reported(
    place: Place, settings: Settings, docker_calls: Path
) -> None:
    (docker_calls / "broken").touch()
    with pytest.raises(GridstressError, match="container gridstress-kafka-1 is unhealthy"):
        launcher.up(settings, Plan(broker="docker"), place, quiet)
    assert "down" in calls(docker_calls)[-1]
    assert state_file.load(place.home) is None
