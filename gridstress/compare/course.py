"""One model over a run: its final risks, and the alarms that were open in each window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridstress.verify.episodes import LEVELS, Decision
from gridstress.verify.recompute import Recomputed
from topology.messages import Floats
from topology.models import title_of

AlarmLevels = np.ndarray[Any, np.dtype[np.int8]]


@dataclass(frozen=True)
class Course:
    """Final windows of a model in a run, both of shape (windows, nodes).

    ``level`` is that of the node's open alarm episode, 0 for none, 1 WARNING to 3 CRITICAL.
    ``episodes`` counts them by the highest level each reached. ``name`` tells it from the others
    that it is compared with, ``title`` does so in words, ``label`` where there is little room.
    """

    name: str
    title: str
    label: str
    risk: Floats
    level: AlarmLevels
    episodes: dict[str, int]

    @property
    def alarmed(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether an alarm was open, shape (windows, nodes)."""
        return self.level > 0


def course_of(run: Recomputed, model: str) -> Course:
    """The course of a model of a recomputed run."""
    result = run.models[model]
    risk = result.risk[: run.closed]
    title = title_of(model)
    return course((model, title, title), risk, result.decisions)


def course(words: tuple[str, str, str], risk: Floats, decisions: Sequence[Decision]) -> Course:
    """The course that alarm steps make of risks; each node's steps are in order.

    ``words`` are its name, title and label.
    """
    return Course(*words, risk, _levels(decisions, risk.shape), _episodes(decisions))


def _levels(decisions: Iterable[Decision], shape: tuple[int, ...]) -> AlarmLevels:
    changed = np.full(shape, -1, dtype=np.int8)
    changed[:1] = 0
    for step in decisions:
        level = 0 if step.state == "CLEARED" else LEVELS.index(step.level) + 1
        changed[step.window, step.node] = level
    # A level holds until the next step.
    windows = np.arange(shape[0])[:, np.newaxis]
    last = np.maximum.accumulate(np.where(changed >= 0, windows, 0), axis=0)
    levels: AlarmLevels = np.take_along_axis(changed, last, axis=0)
    return levels


def _episodes(decisions: Iterable[Decision]) -> dict[str, int]:
    highest: dict[tuple[int, float], str] = {}
    for step in decisions:  # in order, and levels of an episode never fall
        highest[(step.node, step.raised_s)] = step.level
    return {level: sum(reached == level for reached in highest.values()) for level in LEVELS}
