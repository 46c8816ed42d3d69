"""Progress bars on the terminal of commands that download."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridstress.datasets.download import ProgressBar


@contextmanager
def download_bar() -> "Iterator[ProgressBar | None]":
    """Draw a bar of the bytes of a download, or give None where there is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    if not sys.stderr.isatty():
        yield None
        return
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)

        class Bar:
            total = 0

            def update(self, size: int) -> None:
                progress.update(task, total=self.total, advance=size)

            def reset(self) -> None:
                progress.reset(task)

            def close(self) -> None:
                progress.stop()

        yield Bar()
