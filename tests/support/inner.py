"""Tests of a temporary folder, run by a pytest of their own with our conftest."""

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def folder_of(tmp_path: Path, test: str) -> Path:
    """A folder with ``test_it.py`` and our fixtures and hooks."""
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_it.py").write_text(test)
    return folder


def output_of(folder: Path, *words: str, **environment: str) -> str:
    """What pytest says of the folder's tests, which must pass."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:dash", "-s", "-q",
         "-W", "ignore::DeprecationWarning", "--rootdir", str(folder), *words, str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
