"""A worker's data directory: used by one process at a time, and when its last session expires.

Faust takes over what lies there, and ends where it is ahead of the changelog (faust-streaming 158).
A worker that ends without a good-bye is a member of its group until its session is over. Joined
before then, the group waits for it, and works on nothing meanwhile: a worker that is killed and
started again, over and over, would stop all the others.
"""

import asyncio
import fcntl
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from gridstress.faust_fixes.errors import FaustFixError

LOCK = "worker.lock"
"""Holds the process id of the worker, and nothing once it has left its group."""

SEEN_EVERY_S = 1.0
"""How often the file is touched while a worker is there, s."""


def claim(datadir: Path, tabledir: Path, hint: str = "") -> IO[str]:
    """Take `datadir` for this process, and clear away the tables of the process before.

    Raises
    ------
    FaustFixError
        If another process has it.
    """
    datadir.mkdir(parents=True, exist_ok=True)
    in_use = (datadir / LOCK).open("a+")
    try:
        fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        in_use.close()
        raise FaustFixError(
            f"another worker uses the data directory {datadir}",
            hint=hint,
        ) from None
    for database in tabledir.glob("*.db"):
        shutil.rmtree(database) if database.is_dir() else database.unlink()
    in_use.truncate(0)
    in_use.write(f"{os.getpid()}\n")
    in_use.flush()
    return in_use


def seen(datadir: Path) -> None:
    """Note that the worker is there."""
    with suppress(OSError):  # a directory that was deleted tells the next one nothing
        os.utime(datadir / LOCK)


def left(datadir: Path) -> None:
    """Note that this worker has left its group; of another that was here it is not known."""
    with suppress(OSError):
        if (datadir / LOCK).read_text().strip() == str(os.getpid()):
            os.truncate(datadir / LOCK, 0)


def session_left_s(datadir: Path, session_timeout_s: float) -> float:
    """How long the group may still count on the worker that was here before, s; 0 if it left."""
    try:
        with (datadir / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # fails while a worker holds it
            known = os.fstat(file.fileno())
    except (FileNotFoundError, BlockingIOError):
        return 0.0
    ago_s = max(0.0, time.time() - known.st_mtime)
    return max(0.0, session_timeout_s - ago_s) if known.st_size else 0.0


async def outlast(datadir: Path, wait_s: float) -> None:
    """Wait for so long before the group is joined, and note meanwhile that a worker is there.

    So one that is killed while it waits makes the next one wait as long as if it had joined: a
    worker that never lives for a session time-out never disturbs the group.
    """
    deadline = time.monotonic() + wait_s
    while (left_s := deadline - time.monotonic()) > 0:
        seen(datadir)
        await asyncio.sleep(min(left_s, SEEN_EVERY_S))
