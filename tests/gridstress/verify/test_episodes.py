import hashlib

import numpy as np

from gridstress.verify.episodes import Alarms, Decision, decide, episode_id

LEVELS = (0.5, 0.7, 0.9)


def ends_of(risk: np.ndarray) -> np.ndarray:
    """A window end every hour."""
    return 3600.0 * np.arange(1, len(risk) + 1)


def steps(*risks: float) -> list[tuple[int, str, str]]:
    risk = np.array(risks).reshape(-1, 1)
    decisions = decide(risk, ends_of(risk), LEVELS, 0.4)
    return [(d.window, d.state, d.level) for d in decisions]


def test_a_risk_at_the_level_raises_and_one_just_below_does_not():
    assert steps(np.nextafter(0.5, 0), 0.5) == [(1, "RAISED", "WARNING")]


def test_an_episode_is_raised_at_the_highest_level_reached():
    assert steps(0.95) == [(0, "RAISED", "CRITICAL")]


def test_the_level_of_an_episode_never_falls():
    assert steps(0.6, 0.8, 0.6, 0.75, 0.9) == [
        (0, "RAISED", "WARNING"),
        (1, "ESCALATED", "HIGH"),
        (4, "ESCALATED", "CRITICAL"),
    ]


def test_an_episode_is_cleared_below_the_clear_level_only_and_may_come_again():
    assert steps(0.75, 0.4, np.nextafter(0.4, 0), 0.45, 0.5, 0.0) == [
        (0, "RAISED", "HIGH"),
        (2, "CLEARED", "HIGH"),
        (4, "RAISED", "WARNING"),
        (5, "CLEARED", "WARNING"),
    ]


def test_nodes_have_their_own_episodes():
    risk = np.array([[0.6, 0.0], [0.0, 0.95], [0.0, 0.95]])
    assert decide(risk, ends_of(risk), LEVELS, 0.4) == [
        Decision(0, 0, 3600, "RAISED", "WARNING"),
        Decision(1, 0, 3600, "CLEARED", "WARNING"),
        Decision(1, 1, 7200, "RAISED", "CRITICAL"),
    ]


def test_alarms_go_on_where_they_were():
    risk = np.array([[0.6, 0.0], [0.75, 0.6], [0.0, 0.6], [0.6, 0.0]])
    ends_s = ends_of(risk)
    whole = decide(risk, ends_s, LEVELS, 0.4)
    for first in range(len(risk) + 1):
        begun = [step for step in whole if step.window < first]
        before = Alarms.none(2).after(begun)
        assert [*begun, *decide(risk, ends_s, LEVELS, 0.4, before=before, first=first)] == whole


def test_no_windows_make_no_decisions():
    assert decide(np.zeros((0, 3)), np.zeros(0), LEVELS, 0.4) == []


def test_the_id_is_the_hash_of_model_run_node_and_start():
    digest = hashlib.sha256(b"linear/r1/a/1970-01-01T02:00:00Z").hexdigest()
    assert episode_id("linear", "r1", "a", 7200.0) == digest[:16]
