"""A small disk for a worker's data, which can be filled up and freed."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos.worker import Hung

SIZE = "8m"
CHUNK = bytes(4096)


class Disk:
    """A file system that has room for a worker's tables and little more."""

    def __init__(self, directory: Path) -> None:
        self._filling = directory / "filling"

    def fill(self) -> int:
        """Write until nothing more fits; the bytes written."""
        with self._filling.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(CHUNK)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            return file.tell()

    def free(self) -> None:
        """Delete what fills it."""
        self._filling.unlink(missing_ok=True)


@asynccontextmanager
async def small_disk(directory: Path) -> AsyncIterator[Disk]:
    """Have a small tmpfs at `directory` for the length of the block; for root only.

    Raises
    ------
    Hung
        If it cannot be mounted.
    """
    code = await _run(
        "mount", "--mkdir", "-t", "tmpfs", "-o", f"size={SIZE}", "chaos", str(directory)
    )
    if code:
        raise Hung("a small disk can only be mounted by root")
    try:
        yield Disk(directory)
    finally:
        await _run("umount", "--lazy", str(directory))


async def _run(*words: str) -> int:
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()
