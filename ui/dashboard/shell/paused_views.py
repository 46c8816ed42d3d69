"""Paused views: a snapshot is kept with the answers that belong to it, and shown from then on.

The data go on for everybody else; only what a paused browser is shown stays.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.dashboard.shell.model_pair import pairs
from ui.dashboard.style.grid_facts import models_of

KEPT = 32
ASKERS = 4
KEPT_ANSWERS = 64

Answer = TypeVar("Answer")


class Standstill:
    """The moment that a paused view stands at: its snapshot, and every answer given about it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._lock = Lock()
        self._answers: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def answer(self, key: tuple[str, ...], ask: Callable[[], Answer | None]) -> Answer | None:
        """The answer given first; what was not to be had is asked for again."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                kept: Answer = self._answers[key]
                return kept
        answer = ask()
        if answer is None:
            return None
        with self._lock:
            # Of requests at the same time the first answer counts for all.
            first: Answer = self._answers.setdefault(key, answer)
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
            return first


class PausedViews:
    """Where paused views stand, by the snapshot's version; the last :data:`KEPT` of them.

    A view that has been forgotten (32 others have paused since, or the dashboard was restarted)
    moves on to the newest.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[int, Standstill] = OrderedDict()

    def keep(self, snapshot: Snapshot) -> Standstill:
        """Keep a snapshot for a view that pauses at it; those of one version share it."""
        with self._lock:
            kept = self._kept.setdefault(snapshot.version, Standstill(snapshot))
            self._kept.move_to_end(snapshot.version)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return kept

    def at(self, version: int | None) -> Standstill | None:
        """What is kept of that version, None if no view is paused at it."""
        return self._kept.get(version) if version is not None else None


def stand_still(source: Poller, paused: PausedViews, run: str | None) -> Snapshot:
    """Pause at the newest snapshot of a run, with what its pages will ask about that moment.

    Asked for now, because the workers only know the newest: what a paused view turns to later
    (another page, a filter) is then of the same moment.
    """
    kept = paused.keep(source.snapshot(run))
    questions: dict[tuple[str, ...], Callable[[], Any]] = {
        ("episodes",): partial(source.episodes, run),
        ("system",): source.system,
    }
    for pair in pairs(models_of(kept.snapshot.grid)):
        questions["history", *pair] = partial(source.history, run, pair)
        questions["compare", *pair] = partial(source.compare, run, pair)
    with ThreadPoolExecutor(ASKERS) as askers:
        for key, ask in questions.items():
            askers.submit(kept.answer, key, ask)
    return kept.snapshot
