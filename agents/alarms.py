"""Alarm episodes: from the risk of a window to what is raised, escalated and cleared.

An episode starts when a node's risk first reaches a level and ends when it has fallen below the
clear level; the gap between the two keeps alarms from flapping (hysteresis, as in ISA-18.2). Its
level is the highest it has reached and never falls.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np

from tables.shard_state import ShardState
from topology.clock import to_iso
from topology.messages import LEVELS, Floats, Level, State

STATES: Final[tuple[State, ...]] = ("RAISED", "ESCALATED", "CLEARED")
_RAISED, _ESCALATED, _CLEARED = range(3)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Risks, in (0, 1) and rising from ``clear`` to ``critical``."""

    clear: float = 0.4
    warning: float = 0.5
    high: float = 0.7
    critical: float = 0.9


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a node's episode; ``node`` is its position in the shard.

    ``peak_risk`` is the highest risk of its windows so far, this one included; None where it is
    not known.
    """

    node: int
    state: State
    level: Level
    since_s: float
    peak_risk: float | None


def episode_id(model: str, run: str, node_id: str, since_s: float) -> str:
    """The id of an episode: the same whenever and wherever it is found again."""
    return sha256(f"{model}/{run}/{node_id}/{to_iso(since_s)}".encode()).hexdigest()[:16]


def decide(state: ShardState, risk: Floats, end_s: int, thresholds: Thresholds) -> list[Transition]:
    """Move the episodes of a shard on by one window; changes ``state``.

    ``risk`` has shape (shard nodes,); transitions come in the order of the nodes.
    """
    steps = np.array([thresholds.warning, thresholds.high, thresholds.critical])
    reached = steps.searchsorted(risk, side="right").astype(np.int8)
    clearing = (state.level > 0) & (risk < thresholds.clear)
    # Of all nodes, which is faster than of those in alarm. A peak that is not known (NaN) stays so.
    np.maximum(state.peak_risk, risk, out=state.peak_risk)
    (nodes,) = ((reached > state.level) | clearing).nonzero()
    if not len(nodes):
        return []
    clears, before, now = clearing[nodes], state.level[nodes], reached[nodes]
    raised = ~clears & (before == 0)
    state.since_s[nodes[raised]] = end_s
    state.peak_risk[nodes[raised]] = risk[nodes[raised]]
    state.level[nodes] = np.where(clears, 0, now)
    moves = zip(
        nodes.tolist(),
        np.where(clears, _CLEARED, np.where(raised, _RAISED, _ESCALATED)).tolist(),
        np.where(clears, before, now).tolist(),
        state.since_s[nodes].tolist(),
        state.peaks_of(nodes),
        strict=True,
    )
    return [
        Transition(node, STATES[what], LEVELS[level - 1], since_s, peak_risk)
        for node, what, level, since_s, peak_risk in moves
    ]
