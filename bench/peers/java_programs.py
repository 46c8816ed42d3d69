"""The peers in Java: built by Maven once, then run by ``java``."""

import shutil
import subprocess
from pathlib import Path

from gridstress.local import processes
from gridstress.local.kafka_jars import JAVA_MIN, java
from topology.errors import BrokerError, GridstressError

HOME = Path(__file__).with_name("jvm")
STAMP = HOME / "target" / "built"
"""Touched when Maven has built everything; as new as what was built."""
BUILD_S = 1800


def missing() -> str:
    """What is missing here to run them, in words; empty if nothing is."""
    try:
        java()
    except BrokerError:
        return f"there is no Java {JAVA_MIN} or newer"
    return "" if is_built() or shutil.which("mvn") else "Maven is not on the PATH"


def java_command(module: str, main: str) -> list[str]:
    """Words that run a main class of a module in ``HOME``; the first call builds it.

    Raises
    ------
    GridstressError
        If Java is missing or too old, or Maven cannot build it.
    """
    program = java()
    if not is_built() or not _class_file(module, main).exists():
        _build()
    return [program, f"@{module}/java.args", f"gridstress.{main}"]


def is_built() -> bool:
    """Whether what was built is newer than all sources."""
    if not STAMP.exists():
        return False
    sources = [*HOME.glob("**/pom.xml"), *HOME.glob("*/src/**/*")]
    return all(file.stat().st_mtime < STAMP.stat().st_mtime for file in sources)


def _class_file(module: str, main: str) -> Path:
    return HOME / module / "target" / "classes" / "gridstress" / f"{main}.class"


def _build() -> None:
    command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(HOME / "pom.xml"), "package"]
    try:
        done = processes.captured(command, BUILD_S)
    except OSError as error:
        raise GridstressError(
            f"the peers in Java could not be built: mvn: {error.strerror}", hint="install Maven"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise GridstressError(
            f"the peers in Java could not be built: not done within {BUILD_S} s",
            hint=f"see {' '.join(command)}",
        ) from error
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "ERROR" in line]
        why = (lines or done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise GridstressError(
            f"the peers in Java could not be built: {why[:300]}", hint=f"see {' '.join(command)}"
        )
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.touch()
