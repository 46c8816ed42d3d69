"""``python -m tests.chaos.skewed SECONDS ...``: ``faust ...`` with a wall clock that is off.

What Python code asks for the time is off; ``datetime.now``, written in C, and the file system are
not. A library that is preloaded would shift them all, but is not everywhere.
"""

import runpy
import sys
import time


def shift(by_s: float) -> None:
    """Let ``time.time`` and ``time.time_ns`` be off by so many seconds from now on."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + by_s
    time.time_ns = lambda: now_ns() + round(by_s * 1e9)


if __name__ == "__main__":
    shift(float(sys.argv.pop(1)))
    runpy.run_module("faust", run_name="__main__", alter_sys=True)
