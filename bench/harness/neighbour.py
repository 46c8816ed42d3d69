"""A process that takes a processor from those that are measured."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = """
import os, sys
while os.getppid() == int(sys.argv[1]):  # it does not outlive a bench that is killed
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def busy_neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """Run an endless loop of one thread, one core's worth, for the length of a ``with`` block.

    It is not pinned to a core and has the usual priority: the system's scheduler shares the
    cores between it and everything else.
    """
    process = subprocess.Popen([sys.executable, "-c", _SPIN, str(os.getpid())])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
