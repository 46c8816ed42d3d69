"""Virtual environments of peers whose packages do not fit ours, kept in the user's cache."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from gridstress.local import processes
from topology.errors import GridstressError

INSTALL_S = 600


def python_of(peer: str) -> str:
    """Path of the interpreter that has a peer's packages; the first call installs them.

    Parameters
    ----------
    peer
        Name of the folder beside this file that has its ``requirements.txt``.

    Raises
    ------
    GridstressError
        If the packages cannot be installed.
    """
    requirements = Path(__file__).with_name(peer) / "requirements.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = sha256(requirements.read_bytes()).hexdigest()[:12]
    home = user_cache_path("gridstress") / f"{peer}-{version}-{pins}"
    python, complete = home / "bin" / "python", home / "complete"
    if not complete.exists():
        shutil.rmtree(home, ignore_errors=True)
        _run(requirements, [sys.executable, "-m", "venv", str(home)])
        _run(requirements, [str(python), "-m", "pip", "install", "-q", "-r", str(requirements)])
        complete.touch()
    return str(python)


def _run(requirements: Path, command: list[str]) -> None:
    try:
        done = processes.captured(command, INSTALL_S)
    except subprocess.TimeoutExpired as error:
        raise _not_installed(requirements, f"not done within {INSTALL_S} s") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise _not_installed(requirements, lines[-1][:300])


def _not_installed(requirements: Path, why: str) -> GridstressError:
    return GridstressError(
        f"{requirements.parent.name} could not be installed: {why}",
        hint=f"measure the others, or see {requirements}",
    )
