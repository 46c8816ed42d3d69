"""Alarm episodes from risks: RAISED, ESCALATED, CLEARED, with hysteresis."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from topology.clock import to_iso
from topology.messages import Floats

LEVELS = ("WARNING", "HIGH", "CRITICAL")


class Decision(NamedTuple):
    """One step of an episode: at which window, of which node, when its episode was raised."""

    window: int
    node: int
    raised: int
    state: str
    level: str


def decide(risk: Floats, levels: Sequence[float], clear: float) -> list[Decision]:
    """Go through the final windows in order.

    Parameters
    ----------
    risk
        Risks in [0, 1), shape (windows, nodes), every step end from the first on.
    levels
        The risks at which WARNING, HIGH and CRITICAL are reached, rising.
    clear
        The risk below which an episode ends.

    Returns
    -------
    list of Decision
        By window, then node.
    """
    reached = np.searchsorted(np.asarray(levels), risk, side="right")
    below = risk < clear
    level = np.zeros(risk.shape[1], dtype=np.int64)
    raised = np.zeros(risk.shape[1], dtype=np.int64)
    decisions: list[Decision] = []
    for window in range(len(risk)):
        up = reached[window] > level
        done = (level > 0) & below[window]
        for node in np.flatnonzero(up | done).tolist():
            if done[node]:
                state = "CLEARED"
            elif level[node]:
                state = "ESCALATED"
            else:
                state = "RAISED"
                raised[node] = window
            if up[node]:
                level[node] = reached[window, node]
            name = LEVELS[level[node] - 1]
            decisions.append(Decision(window, node, int(raised[node]), state, name))
            if done[node]:
                level[node] = 0
    return decisions


def episode_id(model: str, run: str, node_id: str, raised_s: float) -> str:
    """Make the id of the episode that was raised at this window end (epoch seconds)."""
    text = f"{model}/{run}/{node_id}/{to_iso(raised_s)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
