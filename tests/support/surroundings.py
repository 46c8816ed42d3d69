"""What the person who runs the tests has set and has lying about, which no test may depend on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIXES = ("GRIDSTRESS_", "KAFKA_", "JAVA_OPTS")
"""Variables that programs under test would read."""

TERMINAL = (
    "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CLICOLOR", "CLICOLOR_FORCE",
    "GITHUB_ACTIONS", "TTY_COMPATIBLE", "TTY_INTERACTIVE",
)  # fmt: skip
"""Variables that change how programs lay out and colour what they print."""


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""The processes of the tests share the cores: a pool of threads in each would wait by spinning."""


def forget() -> None:
    """Take all of these out of this process's environment, and keep NumPy to one thread."""
    os.environ.update(ONE_THREAD)
    for name in list(os.environ):
        if name.startswith(PREFIXES) or name in TERMINAL:
            del os.environ[name]


@contextmanager
def directory(path: Path) -> Iterator[None]:
    """Be in `path` inside the block."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
