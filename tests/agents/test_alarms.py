from math import isnan
from typing import NamedTuple

import numpy as np
import pytest

from agents.alarms import STATES, Thresholds, decide, episode_id
from tables.shard_state import ShardState
from topology.messages import LEVELS

LIMITS = Thresholds(clear=0.4, warning=0.5, high=0.7, critical=0.9)


class Step(NamedTuple):
    node: int
    state: str
    level: str
    since_s: float
    risk: float
    peak_risk: float | None


def steps_of(state: ShardState, risks: list[float], end_s: int) -> list[Step]:
    """The steps that a window with these risks leads to, one by one."""
    (found,) = decide(state, np.array([risks]), [end_s], LIMITS)
    if found is None:
        return []
    return [
        Step(
            int(found.nodes[i]),
            STATES[found.states[i]],
            LEVELS[found.levels[i] - 1],
            float(found.since_s[i]),
            float(found.risk[i]),
            None if isnan(found.peak_risk[i]) else float(found.peak_risk[i]),
        )
        for i in range(len(found))
    ]


def story(*risks: float) -> list[tuple[str, str]]:
    """What one node's risk, hour by hour, raises."""
    state = ShardState.new(1, started_ms=0)
    steps = []
    for hour, risk in enumerate(risks):
        steps += [(t.state, t.level) for t in steps_of(state, [risk], hour)]
    return steps


@pytest.mark.parametrize(
    ("risks", "steps"),
    [
        ([0.0, 0.49999], []),
        ([0.5], [("RAISED", "WARNING")]),
        ([0.95], [("RAISED", "CRITICAL")]),
        ([0.5, 0.6, 0.69], [("RAISED", "WARNING")]),
        (
            [0.5, 0.7, 0.9],
            [("RAISED", "WARNING"), ("ESCALATED", "HIGH"), ("ESCALATED", "CRITICAL")],
        ),
        ([0.9, 0.5, 0.75], [("RAISED", "CRITICAL")]),
        ([0.8, 0.45, 0.4], [("RAISED", "HIGH")]),
        ([0.8, 0.39], [("RAISED", "HIGH"), ("CLEARED", "HIGH")]),
        ([0.8, 0.1, 0.45, 0.55], [("RAISED", "HIGH"), ("CLEARED", "HIGH"), ("RAISED", "WARNING")]),
    ],
)
def test_an_episode_rises_holds_and_clears(
    risks: list[float], steps: list[tuple[str, str]]
) -> None:
    assert story(*risks) == steps


def test_an_episode_keeps_the_time_at_which_it_was_raised() -> None:
    state = ShardState.new(1, started_ms=0)
    seen = [
        t.since_s
        for hour, risk in enumerate((0.0, 0.6, 0.95, 0.1, 0.6))
        for t in steps_of(state, [risk], hour)
    ]
    assert seen == [1, 1, 1, 4]


def peaks(state: ShardState, *risks: float) -> list[tuple[str, float | None]]:
    """The steps that one node's risk leads to, hour by hour, each with its peak."""
    return [
        (t.state, t.peak_risk)
        for hour, risk in enumerate(risks)
        for t in steps_of(state, [risk], hour)
    ]


@pytest.mark.parametrize(
    ("risks", "steps"),
    [
        # Risk rises inside a level, so no alert has it.
        ([0.71, 0.796, 0.75, 0.1], [("RAISED", 0.71), ("CLEARED", 0.796)]),
        ([0.5, 0.69, 0.7, 0.1], [("RAISED", 0.5), ("ESCALATED", 0.7), ("CLEARED", 0.7)]),
        # What came before the episode was raised, or after it was cleared, is not of it.
        (
            [0.8, 0.1, 0.49, 0.5, 0.45, 0.3],
            [("RAISED", 0.8), ("CLEARED", 0.8), ("RAISED", 0.5), ("CLEARED", 0.5)],
        ),
    ],
)
def test_a_peak_is_the_highest_risk_since_the_episode_was_raised(
    risks: list[float], steps: list[tuple[str, float]]
) -> None:
    assert peaks(ShardState.new(1, started_ms=0), *risks) == steps


def test_a_peak_that_is_not_known_stays_so_until_the_next_episode() -> None:
    state = ShardState.new(1, started_ms=0)
    state.level[0], state.peak_risk[0] = 2, np.nan
    assert peaks(state, 0.8, 0.95, 0.1, 0.6) == [
        ("ESCALATED", None),
        ("CLEARED", None),
        ("RAISED", 0.6),
    ]


def test_nodes_have_episodes_of_their_own() -> None:
    state = ShardState.new(3, started_ms=0)
    steps_of(state, [0.6, 0.0, 0.95], 0)
    steps = [(t.node, t.state, t.risk) for t in steps_of(state, [0.1, 0.6, 0.95], 1)]
    assert steps == [(0, "CLEARED", 0.1), (1, "RAISED", 0.6)]


def test_an_episode_id_depends_on_all_that_makes_an_episode() -> None:
    base = ("linear", "run", "node", 0.0)
    ids = {episode_id(*base)}
    for i, other in enumerate(("centrality", "other", "else", 3600.0)):
        changed = list(base)
        changed[i] = other  # type: ignore[call-overload]
        ids.add(episode_id(*changed))  # type: ignore[arg-type]
    assert len(ids) == 5
    assert {len(i) for i in ids} == {16}
