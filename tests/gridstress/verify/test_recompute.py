import math

import numpy as np
import pytest

from gridstress.verify.compare import compare
from gridstress.verify.recompute import recompute
from tests.gridstress.verify.samples import (
    GRID,
    HOUR,
    SETTINGS,
    echo,
    end,
    evening,
    frame,
    load,
    node,
    unfinished,
)
from topology.errors import DataError
from topology.grid import Grid, Line


def test_windows_are_what_a_hand_works_out():
    result = recompute(evening(), GRID, SETTINGS)
    # own stress by pane:  a: 0 1 1 0 0 0,  c: 0 0 0.5 0 0 0
    # linear K onto b: a 0.4, c 0.64; onto c: a 0.112, c 1; onto a: a 1, c 0.224
    # window ends            1     2      3                      4             5
    a = [0, 1, 1 + 1 + 0.224 * 0.5, 1 + 0.224 * 0.5, 0, 0]
    b = [0, 0.4, 0.4 * 2 + 0.32, 0.4 + 0.32, 0, 0]
    c = [0, 0.112, 0.112 * 2 + 0.5, 0.112 + 0.5, 0, 0]
    assert result.watermark_s == 6 * HOUR
    assert result.closed == 6
    assert result.ends_s[:6].tolist() == [HOUR * e for e in range(1, 7)]
    linear = result.models["linear"]
    np.testing.assert_allclose(linear.stress[:6], np.array([a, b, c]).T, rtol=1e-12)
    assert linear.risk[2, 1] == pytest.approx(1 - math.exp(-1.12), rel=1e-12)


def test_the_centrality_model_weighs_by_centrality():
    # degree centrality: b 1, a and c 1/2; alpha 0.6: into b min(1, 0.5 * 1.6) = 0.8,
    # into c 0.8 * 1.3 = 1.04, at most 1, then decay: a->c = 0.8 * 0.7 = 0.56
    result = recompute(evening(), GRID, SETTINGS)
    np.testing.assert_allclose(result.models["centrality"].stress[1], [1.0, 0.8, 0.56], rtol=1e-12)


def test_the_peak_of_an_episode_may_lie_between_its_alerts():
    # own stress of a by pane: 0.9 0.2 0 0; its risk: 1 - e^-0.9 = 0.593 (WARNING),
    # 1 - e^-1.1 = 0.667 (WARNING still), 1 - e^-0.2 = 0.181
    rows = [[load(stress), load(-1)] for stress in (0.9, 0.2, -1, -1)]
    frames = [
        frame("North", 0, [0, 1, 2, 3], rows),
        frame("South", 0, [0, 1, 2, 3], [[load(-1)]] * 4),
        end("North", 4, 4),
        end("South", 4, 4),
    ]
    steps = [a for a in recompute(frames, GRID, SETTINGS).alerts("linear") if a.node_id == "a"]
    assert [(a.window_end.timestamp() / HOUR, a.state) for a in steps] == [
        (1, "RAISED"),
        (3, "CLEARED"),
    ]
    assert [a.peak_risk for a in steps] == pytest.approx([1 - math.exp(-0.9), 1 - math.exp(-1.1)])


def test_episodes_are_what_a_hand_works_out():
    result = recompute(evening(), GRID, SETTINGS)
    # risk of a: 1 - e^-1 = 0.632 (WARNING), 1 - e^-2.112 = 0.879 (HIGH), 1 - e^-1.112 = 0.671, 0
    # risk of b: 0.33, 1 - e^-1.12 = 0.674 (WARNING), 1 - e^-0.72 = 0.513, 0
    # risk of c: 0.106, 1 - e^-0.724 = 0.515 (WARNING), 1 - e^-0.612 = 0.458, 0
    steps = [
        (a.node_id, a.window_end.timestamp() / HOUR, a.state, a.level)
        for a in result.alerts("linear")
    ]
    assert steps == [
        ("a", 2, "RAISED", "WARNING"),
        ("a", 3, "ESCALATED", "HIGH"),
        ("b", 3, "RAISED", "WARNING"),
        ("c", 3, "RAISED", "WARNING"),
        ("a", 5, "CLEARED", "HIGH"),
        ("b", 5, "CLEARED", "WARNING"),
        ("c", 5, "CLEARED", "WARNING"),
    ]
    raised = result.alerts("linear")[2]
    assert raised.alert_id == f"{raised.episode_id}-RAISED-WARNING"
    assert raised.risk_score == pytest.approx(1 - math.exp(-1.12), rel=1e-12)
    # of b's 1.12, a gives 0.8 and c 0.32
    assert [s.node_id for s in raised.sources] == ["a", "c"]
    assert [s.share for s in raised.sources] == pytest.approx([0.8 / 1.12, 0.32 / 1.12])
    assert result.alerts("linear")[4].sources == []


def test_shares_are_parts_of_the_stress_that_arrives():
    # b is reached by a (0.5 * 0.8 = 0.4) and c (0.8 * 0.8 = 0.64); 1.6 of a is as much as 1 of c.
    frames = [
        frame("North", 0, [0], [[load(1.6), load(-1)]]),
        frame("South", 0, [0], [[load(1)]]),
        end("North", 1, 1),
        end("South", 1, 1),
    ]
    result = recompute(frames, GRID, SETTINGS)
    shares = result.shares("linear", 0, 1)
    np.testing.assert_allclose(shares, [0.5, 0, 0.5], rtol=1e-12)


def test_equal_shares_come_by_node_id_and_only_three_are_named():
    leaves = [node(f"leaf{i}", "Z", 0.5) for i in (4, 2, 1, 3)]
    star = Grid(
        "star",
        (node("m", "Z", 1.0), *leaves),
        tuple(Line("m", leaf.id, 1, 380, 0.5) for leaf in leaves),
    )
    frames = [
        frame("Z", 0, [0], [[load(1)] * 4], nodes=[leaf.id for leaf in leaves]),
        end("Z", 1, 1),
    ]
    (alert,) = [a for a in recompute(frames, star, SETTINGS).alerts("linear") if a.node_id == "m"]
    assert [s.node_id for s in alert.sources] == ["leaf1", "leaf2", "leaf3"]
    assert [s.share for s in alert.sources] == pytest.approx([0.25] * 3)


def test_four_quarters_of_an_hour_are_an_hour():
    quarters = [
        frame("North", 0, [0, 0.25, 0.5, 0.75], [[load(1), load(-1)]] * 4, period_s=900),
        frame("South", 0, [0, 0.25, 0.5, 0.75], [[load(-1)]] * 4, period_s=900),
        end("North", 4, 1),
        end("South", 4, 1),
    ]
    result = recompute(quarters, GRID, SETTINGS)
    assert result.closed == 1
    np.testing.assert_allclose(result.models["linear"].stress[0], [1, 0.4, 0.112], rtol=1e-12)


def test_late_rows_and_repeated_rows_are_in_no_window():
    late = frame("North", 7, [2], [[load(9), load(9)]])
    frames = evening()
    disturbed = [frames[0], frames[0], frames[1], frames[1], frames[2], late, frames[3]]
    calm, other = recompute(frames, GRID, SETTINGS), recompute(disturbed, GRID, SETTINGS)
    assert other.intake.zones["North"].late_seqs == [7]
    assert calm.closed == other.closed
    np.testing.assert_array_equal(calm.models["linear"].stress, other.models["linear"].stress)


def test_every_step_end_in_a_gap_is_a_window_of_its_own():
    frames = [
        frame("North", 0, [0, 9], [[load(1), load(-1)]] * 2),
        frame("South", 0, [0, 9], [[load(-1)]] * 2),
        end("North", 2, 10),
        end("South", 2, 10),
    ]
    result = recompute(frames, GRID, SETTINGS)
    assert result.closed == 10
    stressed = np.flatnonzero(result.models["linear"].stress[:, 0] > 0).tolist()
    # 0:00 is in the windows ending at 1 and 2, 9:00 in those ending at 10 and (open) 11.
    assert stressed == [0, 1, 9, 10]


def test_the_first_window_ends_after_the_earliest_row_even_if_a_later_one_came_first():
    frames = [
        frame("North", 0, [5, 4.5], [[load(-1)] * 2] * 2),
        frame("South", 0, [7], [[load(-1)]]),
    ]
    assert recompute(frames, GRID, SETTINGS).ends_s[0] == 5 * HOUR


def test_windows_past_the_watermark_stay_open():
    result = recompute(unfinished(), GRID, SETTINGS)
    assert (result.watermark_s, result.closed) == (2 * HOUR, 2)
    assert result.ends_s.tolist() == [HOUR * e for e in (1, 2, 3, 4, 5)]


def test_without_a_watermark_nothing_is_final_and_nothing_is_raised():
    result = recompute(unfinished()[:1], GRID, SETTINGS)
    assert result.closed == 0
    assert result.alerts("linear") == []


def test_a_run_that_ends_before_its_first_row_has_no_windows():
    expected = recompute([end("North", 0, 1), end("South", 0, 1)], GRID, SETTINGS)
    assert (len(expected.ends_s), expected.closed, expected.watermark_s) == (0, 0, None)
    assert not any(o.problems for o in compare(expected, echo(expected)).values())
    observed = echo(recompute(evening(), GRID, SETTINGS))
    assert compare(expected, observed)["linear"].problems


def test_times_before_1970_and_off_the_hour_fall_into_the_pane_below():
    frames = [
        frame("North", 0, [-0.5], [[load(1), load(-1)]]),
        frame("South", 0, [-0.5], [[load(-1)]]),
        end("North", 1, 0.5),
        end("South", 1, 0.5),
    ]
    result = recompute(frames, GRID, SETTINGS)
    assert result.ends_s[0] == 0
    assert result.closed == 1
    assert result.models["linear"].stress[0, 0] == pytest.approx(1)


def test_small_values_keep_their_digits_beside_large_ones():
    # A running total would leave about 1e-16 * 1e6 here, a relative error of 1e-4.
    frames = [
        frame("North", 0, [0, 1, 2, 3], [[x, 0.0] for x in (9e5, 85.0 + 1.5e-5, 0.0, 0.0)]),
        frame("South", 0, [0, 1, 2, 3], [[0.0]] * 4),
        end("North", 4, 4),
        end("South", 4, 4),
    ]
    result = recompute(frames, GRID, SETTINGS)
    pane = result.own_stress[1, 0]
    assert pane > 0
    assert result.models["linear"].stress[2, 0] == pane


def test_a_timestamp_far_off_is_an_error_not_an_empty_memory():
    frames = [frame("North", 0, [0, 1.4e6], [[1.0, 1.0]] * 2)]
    seconds = SETTINGS.model_copy(update={"step_s": 1, "size_s": 6, "max_ahead_s": 0})
    with pytest.raises(DataError, match="too many"):
        recompute(frames, GRID, seconds)


def test_a_node_without_neighbours_keeps_its_own_stress():
    grid = Grid("one", (GRID.nodes[2],), ())
    frames = [frame("South", 0, [0], [[load(0.3)]]), end("South", 1, 1)]
    result = recompute(frames, grid, SETTINGS)
    for model in result.models.values():
        assert model.stress[0, 0] == pytest.approx(0.3)
