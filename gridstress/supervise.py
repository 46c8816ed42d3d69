"""Run a command and start it again when it ends by itself: ``python supervise.py COMMAND...``.

Told by SIGUSR1 to keep it running; before, an end of the command is an end of this, too. SIGTERM
stops both. It imports nothing of gridstress, so that it is small.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Event
from typing import Any

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""How long to wait before the first, second, ... start; the last for all that follow."""
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
            self._process = subprocess.Popen(self._command)
            if self._stopping.is_set():  # asked while it was being started
                self._process.terminate()
            code = self._process.wait()
            if self._stopping.is_set() or not self._keeps.is_set():
                return code if code >= 0 else 128 - code
            ended = 0 if time.monotonic() - began > STEADY_S else ended
            pause_s = self._pauses_s[min(ended, len(self._pauses_s) - 1)]
            ended += 1
            sys.stdout.write(f"ended with {code}; it is started again in {pause_s:g} s\n")
            sys.stdout.flush()
            if self._stopping.wait(pause_s):
                return 0

    def _stop(self, *_: Any) -> None:
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()


if __name__ == "__main__":
    sys.exit(Supervisor(sys.argv[1:]).run())
