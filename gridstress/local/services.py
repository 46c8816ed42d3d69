"""The parts of a running gridstress as local services: worker, archive, dashboard, replay."""

import json
import sys
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridstress.archive.files import POSITION
from gridstress.local.processes import ServiceSpec
from gridstress.settings import Settings
from ui.auth import authorization
from ui.schema.endpoints import LIVE

ARCHIVE = "archive"
"""Name of the archive's service."""
_ASK_TIMEOUT_S = 2.0
# A proxy from the environment must not stand between us and loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Place:
    """Where services run and keep what is theirs.

    Parameters
    ----------
    checkout
        Root of the source tree, put on ``PYTHONPATH``.
    home
        Directory for state, logs and data (``.gridstress``).
    """

    checkout: Path
    home: Path

    @property
    def logs(self) -> Path:
        """Directory of the log files."""
        return self.home / "logs"

    @property
    def data(self) -> Path:
        """Directory above the workers' data directories."""
        return self.home / "data"


def reachable(bind: str) -> str:
    """Address at which a server bound to `bind` is reached from this machine."""
    return "127.0.0.1" if bind in ("", "0.0.0.0", "::") else bind


def worker_url(settings: Settings, index: int) -> str:
    """URL of the API of worker `index` (from 0)."""
    return f"http://{reachable(settings.web_bind)}:{settings.web_port + index}"


def ui_url(settings: Settings) -> str:
    """URL of the dashboard."""
    return f"http://{reachable(settings.ui_bind)}:{settings.ui_port}"


def worker(place: Place, settings: Settings, bootstrap: str, index: int) -> ServiceSpec:
    """Worker `index` (from 0), healthy when its API says so."""
    port = settings.web_port + index
    url = worker_url(settings, index)
    return ServiceSpec(
        name=f"worker-{index + 1}",
        command=[
            *(sys.executable, "-m", "faust", "--quiet", "-A", "gridstress"),
            *("worker", "-l", "info", "--web-port", str(port)),
        ],
        ready=lambda: answers(f"{url}{LIVE}"),
        environment={
            **_common(place, settings, bootstrap),
            "GRIDSTRESS_ROLE": "all",  # replay and dashboard ask it
            "GRIDSTRESS_SESSION_TIMEOUT_S": str(settings.session_timeout_s),
            "GRIDSTRESS_WEB_PORT": str(port),
            "GRIDSTRESS_DATA_DIR": str(place.data / f"worker-{index + 1}"),
        },
    )


def dashboard(place: Place, settings: Settings, bootstrap: str, workers: int) -> ServiceSpec:
    """Dashboard that asks any of `workers` workers."""
    urls = ",".join(worker_url(settings, index) for index in range(workers))
    url = ui_url(settings)
    return ServiceSpec(
        name="ui",
        command=[sys.executable, "-m", "gridstress", "ui"],
        ready=lambda: answers(f"{url}/"),
        environment={
            **_common(place, settings, bootstrap),
            "GRIDSTRESS_API_URLS": urls,
            # Where `compare` writes, if it is called from where `up` is.
            "GRIDSTRESS_REPORTS_DIR": str(settings.reports_dir.absolute()),
        },
    )


def archive(place: Place, settings: Settings, bootstrap: str) -> ServiceSpec:
    """The archive, healthy once it follows the topics."""
    position = settings.archive_dir.absolute() / POSITION
    before = _written(position)
    return ServiceSpec(
        name=ARCHIVE,
        command=[sys.executable, "-m", "gridstress", "archive"],
        ready=lambda: _written(position) > before,
        environment=_common(place, settings, bootstrap),
        optional=True,
    )


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # not there yet, or not for us
        return 0


def full_path(path: Path) -> Path:
    """Make a path absolute; a link keeps its name, by which a mapping file beside it is found."""
    return path.parent.resolve() / path.name


def replay_command(source: Path | None, reading: Sequence[str], speed: str) -> list[str]:
    """Words after `gridstress`: the replay of a file, or of the bundled year, which then waits."""
    return ["replay", *([str(source)] if source else []), *reading, "--speed", speed, "--stay"]


def replay(place: Place, settings: Settings, bootstrap: str, command: list[str]) -> ServiceSpec:
    """Replay, healthy when a run that was not there before has reached the first worker."""
    return ServiceSpec(
        name="replay",
        command=[sys.executable, "-m", "gridstress", *command],
        ready=new_run_seen(worker_url(settings, 0), settings.token),
        environment=_common(place, settings, bootstrap),
        may_end=True,
    )


def answers(url: str) -> bool:
    """Whether `url` answers a GET with 200 now."""
    try:
        with _direct.open(url, timeout=_ASK_TIMEOUT_S) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def new_run_seen(api_url: str, token: str) -> Callable[[], bool]:
    """Question whether the worker knows a run that it does not know at this moment."""
    before = _runs(api_url, token)
    return lambda: bool(_runs(api_url, token) - before)


def _common(place: Place, settings: Settings, bootstrap: str) -> dict[str, str]:
    # Secrets reach a service as they reached us, from the environment or `.env`.
    return {
        "GRIDSTRESS_INSECURE": str(settings.insecure).lower(),
        "GRIDSTRESS_BROKER": f"kafka://{bootstrap}",
        "GRIDSTRESS_TOPOLOGY": settings.topology,
        "GRIDSTRESS_ARCHIVE_DIR": str(settings.archive_dir.absolute()),
        "PYTHONPATH": str(place.checkout),
        # A log is read while it grows.
        "PYTHONUNBUFFERED": "1",
    }


def _runs(api_url: str, token: str) -> set[str]:
    question = urllib.request.Request(f"{api_url}/api/v1/runs", headers=authorization(token))
    try:
        with _direct.open(question, timeout=_ASK_TIMEOUT_S) as response:
            answer: Any = json.load(response)
        return {str(run["run"]) for run in answer["runs"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
