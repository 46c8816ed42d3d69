"""The virtual environment of the Quix Streams peer, made once and kept in the user's cache."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from topology.errors import GridstressError

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
INSTALL_S = 600


def quix_python() -> str:
    """Path of the interpreter that has Quix Streams; the first call installs it.

    Raises
    ------
    GridstressError
        If the packages cannot be installed.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    home = user_cache_path("gridstress") / f"quix-{version}-{pins}"
    python, complete = home / "bin" / "python", home / "complete"
    if not complete.exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)])
        complete.touch()
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise GridstressError(
            f"Quix Streams could not be installed: {lines[-1][:300]}",
            hint=f"measure the others, or see {REQUIREMENTS}",
        )
