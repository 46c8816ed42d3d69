"""Run a command and start it again when it ends by itself: ``python supervise.py COMMAND...``.

SIGUSR1 turns restarting on; until then it ends when the command ends, with its exit code. SIGTERM
stops both. It imports nothing of gridstress, so that it is small.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Event
from typing import Any

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""How long to wait before the first, second, ... start; the last for all that follow."""
CANNOT_START = 127
"""Exit code of a command that could not be started, as a shell has it."""
STEADY_S = 60.0
"""A command that has run so long begins with the first pause again."""


class Supervisor:
    """Keeps one command running; the signals of this process are its buttons."""

    def __init__(self, command: Sequence[str], pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._command, self._pauses_s = list(command), pauses_s
        self._process: subprocess.Popen[bytes] | None = None
        self._keeps, self._stopping = Event(), Event()

    def run(self) -> int:
        """Run until the command has ended for good; return its exit code."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGUSR1, lambda *_: self._keeps.set())
        ended = 0
        while True:
            began = time.monotonic()
            code = self._start_and_wait()
            if self._stopping.is_set() or not self._keeps.is_set():
                return code if code >= 0 else 128 - code
            ended = 0 if time.monotonic() - began > STEADY_S else ended
            pause_s = self._pauses_s[min(ended, len(self._pauses_s) - 1)]
            ended += 1
            _say(f"ended with {code}; it is started again in {pause_s:g} s")
            if self._stopping.wait(pause_s):
                return 0

    def _start_and_wait(self) -> int:
        try:
            self._process = subprocess.Popen(self._command)
        except OSError as error:  # what it lacks, such as memory, may be there again
            _say(f"cannot be started: {error.strerror}")
            return CANNOT_START
        if self._stopping.is_set():  # asked while it was being started
            self._process.terminate()
        return self._process.wait()

    def _stop(self, *_: Any) -> None:
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()


def _say(text: str) -> None:
    with suppress(OSError):  # the log's disk is full, which is no reason to end
        os.write(sys.stdout.fileno(), f"{text}\n".encode())


if __name__ == "__main__":
    sys.exit(Supervisor(sys.argv[1:]).run())
