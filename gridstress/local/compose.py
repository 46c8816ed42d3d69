"""Everything in containers: Docker Compose."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gridstress.local.services import Place, full_path
from gridstress.settings import ENV_PREFIX, SECRETS, Settings
from topology.errors import BrokerError, GridstressError

PROJECT = "gridstress"

_ENGINE_TIMEOUT_S = 5.0
_BUILD_TIMEOUT_S = 1800.0
_POLL_S = 0.5

# What docker-compose.yml itself sets: addresses and paths inside the containers.
_INSIDE = {
    *(name for name in Settings.model_fields if name.startswith("kafka_")),
    "insecure",
    "broker",
    "broker_kind",
    "role",
    "data_dir",
    "reports_dir",
    "archive_dir",
    "web_bind",
    "web_port",
    "api_urls",
    "ui_bind",
    "ui_port",
}


def why_not() -> str | None:
    """Why Docker cannot be used here, in a few words, or None if it can."""
    if shutil.which("docker") is None:
        return "Docker is not installed"
    for question, reason in (
        (["info", "--format", "{{.ServerVersion}}"], "no Docker engine answers"),
        (["compose", "version"], "Docker is there, but not its Compose plugin"),
    ):
        try:
            answer = _docker(question, timeout_s=_ENGINE_TIMEOUT_S)
        except BrokerError:
            return reason
        if answer.returncode:
            return reason
    return None


def prepare(
    place: Place, settings: Settings, replay: Sequence[str], source: Path | None
) -> tuple[str, ...]:
    """Write what adds to ``docker-compose.yml`` and return the Compose files to use.

    Settings that were given (environment, ``.env``) reach the containers, files are mounted
    read-only: the grid, the file to replay and the mapping file beside it.

    Parameters
    ----------
    replay
        Words after `gridstress` that start the replay.
    source
        File that it replays, if any.

    Raises
    ------
    GridstressError
        If ``docker-compose.yml`` is not in the checkout.
    """
    base = place.checkout / "docker-compose.yml"
    if not base.exists():
        raise GridstressError(f"{base} is missing", hint="run this from a checkout of gridstress")
    wanted = settings.model_fields_set - _INSIDE - set(SECRETS)
    given = settings.model_dump(mode="json", include=wanted)
    environment: dict[str, str | None] = {
        ENV_PREFIX + name.upper(): str(value) for name, value in given.items()
    }
    if settings.token:
        environment["GRIDSTRESS_API_TOKEN"] = None  # from Compose's environment, into no file
    mounts = []
    grid = Path(settings.topology)
    if grid.exists():
        mounts.append(_read_only(grid.resolve()))
        environment["GRIDSTRESS_TOPOLOGY"] = str(grid.resolve())
    common = {"environment": environment, "volumes": mounts}
    command = ["gridstress", *(word.replace("$", "$$") for word in replay)]  # no variables
    replay_mounts = mounts + [_read_only(path) for path in _files_of(source)]
    override = {
        "services": {
            "worker": common,
            "archive": common,
            "ui": common,
            "replay": {**common, "volumes": replay_mounts, "command": command},
        }
    }
    place.home.mkdir(parents=True, exist_ok=True)
    path = place.home / "docker-compose.override.json"
    path.write_text(json.dumps(override, indent=1), encoding="utf-8")
    return (str(base), str(path))


def start(
    files: Sequence[str],
    names: Sequence[str],
    settings: Settings,
    *,
    workers: int,
    timeout_s: float | None,
) -> None:
    """Start the named services and, with a time limit, wait until they are healthy.

    Raises
    ------
    GridstressError
        With the line of Compose that tells most.
    """
    # Without --no-deps, starting the replay alone would scale the workers back to one.
    options = ["--detach", "--build", "--scale", f"worker={workers}"]
    if timeout_s is None:
        options = ["--detach", "--no-deps"]
    else:
        options += ["--wait", "--wait-timeout", str(int(timeout_s))]
    answer = _compose(
        files,
        ["up", *options, *names],
        timeout_s=_BUILD_TIMEOUT_S + (timeout_s or 0.0),
        environment={**_ports(settings, workers), **_token(settings)},
    )
    if answer.returncode:
        raise GridstressError(
            f"Docker Compose could not start {', '.join(names)}: {_reason(answer.stderr)}",
            hint=f"see `docker compose -p {PROJECT} logs`; what was started is being removed",
        )


def wait_for_replay(files: Sequence[str], seen: Callable[[], bool], timeout_s: float) -> None:
    """Wait until the replay's first frames have reached a worker, or it is through.

    Raises
    ------
    GridstressError
        If it fails or nothing of it arrives in time.
    """
    deadline = time.monotonic() + timeout_s
    while not seen():
        for container in _containers(files, ["--all", "replay"]):
            if container.get("State") == "exited":
                if container.get("ExitCode") == 0:
                    return
                log = _compose(files, ["logs", "--no-log-prefix", "--tail", "20", "replay"])
                raise GridstressError(f"replay ended while starting: {_reason(log.stdout)}")
        if time.monotonic() > deadline:
            raise GridstressError(f"replay was not healthy after {timeout_s:.0f} s")
        time.sleep(_POLL_S)


def running(files: Sequence[str]) -> list[str]:
    """Names of the running containers, sorted.

    Raises
    ------
    BrokerError
        If the engine does not answer.
    """
    return sorted(str(container["Name"]) for container in _containers(files, []))


def stop(files: Sequence[str]) -> list[str]:
    """Remove the containers, their network and their data; return the containers' names.

    The archive ends after the workers, with all that they have written, and stays.

    Raises
    ------
    BrokerError
        If the engine does not answer or refuses.
    """
    names = sorted(str(container["Name"]) for container in _containers(files, ["--all"]))
    _compose(files, ["stop", "replay", "worker"])
    _compose(files, ["rm", "--stop", "--force", "--volumes"])  # those without a name: Kafka's
    answer = _compose(files, ["down", "--remove-orphans"])
    if answer.returncode:
        raise BrokerError(f"Docker Compose could not stop: {_reason(answer.stderr)}")
    return names


def broker_port(settings: Settings) -> int:
    """Port on which the containers' broker is published on this machine."""
    port = settings.bootstrap.rpartition(":")[2]
    return int(port) if port.isdecimal() else 29_092


def _token(settings: Settings) -> dict[str, str]:
    return {"GRIDSTRESS_API_TOKEN": settings.token} if settings.token else {}


def _ports(settings: Settings, workers: int) -> dict[str, str]:
    first = settings.web_port
    return {
        "KAFKA_PORT": str(broker_port(settings)),
        "WEB_PORTS": str(first) if workers == 1 else f"{first}-{first + workers - 1}",
        "UI_PORT": str(settings.ui_port),
    }


def _containers(files: Sequence[str], options: Sequence[str]) -> list[dict[str, object]]:
    answer = _compose(files, ["ps", "--format", "json", *options])
    if answer.returncode:
        raise BrokerError(
            f"Docker does not answer: {_reason(answer.stderr)}", hint="start Docker and try again"
        )
    # One object a line, or, before Compose 2.21, all in one array.
    found: list[dict[str, object]] = []
    for line in answer.stdout.splitlines():
        if line.strip():
            value = json.loads(line)
            found += value if isinstance(value, list) else [value]
    return found


def _files_of(source: Path | None) -> list[Path]:
    if source is None:
        return []
    from gridstress.datasets.mapping import SUFFIX

    beside = source.with_name(source.name + SUFFIX)
    return [path for path in (source, beside) if path.exists()]


def _read_only(path: Path) -> str:
    return f"{path.resolve()}:{full_path(path)}:ro"


def _compose(
    files: Sequence[str],
    arguments: Sequence[str],
    *,
    timeout_s: float = 120.0,
    environment: dict[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    chosen = [part for file in files for part in ("--file", file)]
    command = ["compose", "--project-name", PROJECT, *chosen, *arguments]
    return _docker(command, timeout_s=timeout_s, environment=environment)


def _docker(
    arguments: Sequence[str], *, timeout_s: float, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, **(environment or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"docker {arguments[0]} did not answer: {error}") from error


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason given"
