"""Alarm episodes: from the risk of a window to what is raised, escalated and cleared.

An episode starts when a node's risk first reaches a level and ends when it has fallen below the
clear level; the gap between the two keeps alarms from flapping (hysteresis, as in ISA-18.2). Its
level is the highest it has reached and never falls.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import numpy as np

from tables.shard_state import Indices, Levels, ShardState
from topology.clock import to_iso
from topology.messages import Floats, State

STATES: Final[tuple[State, ...]] = ("RAISED", "ESCALATED", "CLEARED")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Risks, in (0, 1) and rising from ``clear`` to ``critical``."""

    clear: float = 0.4
    warning: float = 0.5
    high: float = 0.7
    critical: float = 0.9


@dataclass(frozen=True, slots=True)
class Transitions:
    """Steps of nodes' episodes, in the order of the nodes; each array has shape (steps,).

    Attributes
    ----------
    nodes
        Positions in the shard.
    states, levels
        Positions in `STATES`, and in `LEVELS` counted from 1.
    since_s
        Event times at which the episodes were raised.
    risk
        Risks of the window.
    peak_risk
        The highest risk of an episode's windows so far, this one included; NaN where not known.
    """

    nodes: Indices
    states: Indices
    levels: Levels
    since_s: Floats
    risk: Floats
    peak_risk: Floats

    def __len__(self) -> int:
        return len(self.nodes)


@lru_cache(maxsize=16_384)
def episode_id(model: str, run: str, node_id: str, since_s: float) -> str:
    """The id of an episode: the same whenever and wherever it is found again."""
    return sha256(f"{model}/{run}/{node_id}/{to_iso(since_s)}".encode()).hexdigest()[:16]


def decide(
    state: ShardState, risk: Floats, ends_s: Sequence[int], thresholds: Thresholds
) -> Iterator[Transitions | None]:
    """Move the episodes of a shard on by one window after the other; None where none moves.

    ``risk`` has shape (windows, shard nodes), and the windows end at ``ends_s``. ``state`` has
    come as far as the last window that was taken.
    """
    reached = np.zeros(risk.shape, np.int8)
    for least in (thresholds.warning, thresholds.high, thresholds.critical):
        reached += risk >= least
    stays: Any = risk >= thresholds.clear
    reaches_any: Any = reached.any(axis=1).tolist()
    for i, end_s in enumerate(ends_s):
        # Most windows of most shards have no alarm.
        quiet = not reaches_any[i] and not np.count_nonzero(state.level)
        yield None if quiet else _move(state, risk[i], reached[i], stays[i], end_s)


def _move(
    state: ShardState, risk: Floats, reached: Levels, stays: Any, end_s: int
) -> Transitions | None:
    """Move the episodes on by one window; arrays have shape (shard nodes,)."""
    # Of all nodes, which is faster than of those in alarm. A peak that is not known (NaN) stays so.
    np.maximum(state.peak_risk, risk, out=state.peak_risk)
    level = np.maximum(state.level, reached) * stays  # 0 if it clears
    (nodes,) = (level != state.level).nonzero()
    if not len(nodes):
        return None
    before, now = state.level[nodes], level[nodes]
    raised = nodes[before == 0]
    state.level[nodes] = now
    state.since_s[raised] = end_s
    state.peak_risk[raised] = risk[raised]
    return Transitions(
        nodes=nodes,
        states=(before > 0).astype(np.intp) + (now == 0),
        levels=np.maximum(before, now),
        since_s=state.since_s[nodes],
        risk=risk[nodes],
        peak_risk=state.peak_risk[nodes],
    )
