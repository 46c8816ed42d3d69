"""Progress bars on the terminal of commands that download."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from gridstress.datasets.download import ProgressBar


@contextmanager
def download_bar() -> "Iterator[ProgressBar | None]":
    """Draw a bar of the bytes of a download, or give None where there is no terminal."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    with _bar(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()) as bar:
        yield bar


@contextmanager
def count_bar(unit: str) -> "Iterator[ProgressBar | None]":
    """Draw a bar of pieces, such as ``weeks``, or give None where there is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    with _bar(BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn()) as bar:
        yield bar


@contextmanager
def _bar(*columns: "ProgressColumn") -> "Iterator[ProgressBar | None]":
    from rich.console import Console
    from rich.progress import Progress

    if not sys.stderr.isatty():
        yield None
        return
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
