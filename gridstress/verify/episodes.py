"""Alarm episodes from risks: RAISED, ESCALATED, CLEARED, with hysteresis."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from topology.clock import to_iso
from topology.messages import Floats

LEVELS = ("WARNING", "HIGH", "CRITICAL")


class Decision(NamedTuple):
    """One step of an episode: at which window, of which node, when its episode was raised.

    ``window`` is a position, ``raised_s`` a window end in epoch seconds.
    """

    window: int
    node: int
    raised_s: float
    state: str
    level: str


@dataclass(frozen=True)
class Alarms:
    """Each node's alarm: its level, 0 without one, since when, and the highest risk since then.

    All have shape (nodes,). ``raised_s`` is the window end (epoch seconds) at which it was raised,
    ``peak_risk`` the highest risk of the windows from that one on; both count where there is a
    level.
    """

    level: np.ndarray[Any, np.dtype[np.int64]]
    raised_s: Floats
    peak_risk: Floats

    @classmethod
    def none(cls, nodes: int) -> Self:
        """No node has an alarm."""
        return cls(np.zeros(nodes, dtype=np.int64), np.zeros(nodes), np.zeros(nodes))

    def after(self, decisions: Iterable[Decision]) -> "Alarms":
        """Return what they are after some more steps, with the peaks of before."""
        found = Alarms(self.level.copy(), self.raised_s.copy(), self.peak_risk.copy())
        for step in decisions:
            cleared = step.state == "CLEARED"
            found.level[step.node] = 0 if cleared else LEVELS.index(step.level) + 1
            found.raised_s[step.node] = step.raised_s
        return found


def decide(
    risk: Floats,
    ends_s: Floats,
    levels: Sequence[float],
    clear: float,
    *,
    before: Alarms | None = None,
    first: int = 0,
) -> list[Decision]:
    """Go through the final windows in order.

    Parameters
    ----------
    risk
        Risks in [0, 1), shape (windows, nodes).
    ends_s
        The window ends, shape (windows,).
    levels
        The risks at which WARNING, HIGH and CRITICAL are reached, rising.
    clear
        The risk below which an episode ends.
    before
        The alarms before the window in position ``first``, with which it begins; none by default.

    Returns
    -------
    list of Decision
        By window, then node.
    """
    reached = np.searchsorted(np.asarray(levels), risk, side="right")
    below = risk < clear
    alarms = (before or Alarms.none(risk.shape[1])).after(())
    level, raised_s = alarms.level, alarms.raised_s
    decisions: list[Decision] = []
    for window in range(first, len(risk)):
        up = reached[window] > level
        done = (level > 0) & below[window]
        for node in np.flatnonzero(up | done).tolist():
            if done[node]:
                state = "CLEARED"
            elif level[node]:
                state = "ESCALATED"
            else:
                state = "RAISED"
                raised_s[node] = ends_s[window]
            if up[node]:
                level[node] = reached[window, node]
            name = LEVELS[level[node] - 1]
            decisions.append(Decision(window, node, float(raised_s[node]), state, name))
            if done[node]:
                level[node] = 0
    return decisions


def episode_id(model: str, run: str, node_id: str, raised_s: float) -> str:
    """Make the id of the episode that was raised at this window end (epoch seconds)."""
    text = f"{model}/{run}/{node_id}/{to_iso(raised_s)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
