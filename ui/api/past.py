"""What the API asks of an archive of runs."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from ui.api.agreement_history import Point
from ui.api.view_store import Store
from ui.schema.runs import PastRun

Answer = TypeVar("Answer")


class Paired(Protocol):
    """Windows that two runs have at the same time; asked by threads."""

    def points(self) -> tuple[list[Point], int]:
        """How they agree, as far as has been read, and how many come with later answers."""


class Past(Protocol):
    """Runs that are kept in files; asked by threads, never by the event loop but for `has`."""

    def has(self, run: str) -> bool:
        """Whether there is such a run; takes no longer than to look for a file."""

    def state(self, run: str) -> int:
        """A number that changes whenever anything is added to the run."""

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Answer a question that reads the archive.

        Raises
        ------
        DataError
            If the archive cannot be read.
        """

    def runs(self) -> list[PastRun]:
        """All runs, the one written last first."""

    def store(self, run: str, at_s: float | None = None, model: str | None = None) -> Store:
        """A store that has the run as it was when its last window up to a time was final.

        ``at_s`` is event time, epoch seconds, None for the end of the run; ``model`` the one that
        is asked about, None for all.

        Raises
        ------
        DataError
            If it cannot be shown.
        """

    def summary(self, run: str) -> PastRun | None:
        """What is known of a run; None if its files cannot be read.

        Raises
        ------
        DataError
            If there is no such run.
        """

    def paired(self, runs: tuple[str, str], models: tuple[str, str], shift_s: int) -> Paired:
        """Two runs, each under a model, the second's times shifted; errors as of `store`."""

    def extremes(
        self, run: str, model: str, after_s: float | None = None
    ) -> list[tuple[float, float, int]]:
        """Each window's end (epoch seconds), highest risk and alarms raised; errors as `store`.

        ``after_s``: only those that end later.
        """
