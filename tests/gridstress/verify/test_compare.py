import msgspec
import numpy as np
import pytest

from gridstress.verify.compare import Observed, compare
from gridstress.verify.compare_alarms import episodes_of
from gridstress.verify.compare_dead_letters import RowsDeadLetter
from gridstress.verify.compare_windows import OpenWindows
from gridstress.verify.recompute import recompute
from tests.gridstress.verify.samples import (
    GRID,
    HOUR,
    SETTINGS,
    echo,
    echo_open,
    end,
    evening,
    frame,
    load,
    unfinished,
)
from topology.clock import to_datetime
from topology.messages import SourceShare

MODEL = "linear"


@pytest.fixture
def expected():
    return recompute(evening(), GRID, SETTINGS)


@pytest.fixture
def observed(expected):
    return echo(expected)


def counts_of(expected, observed, open_windows=None, model=MODEL):
    """The counts of problems only, and a check that they turn the verdict."""
    outcome = compare(expected, observed, open_windows)[model]
    kinds = ("missing", "extra", "conflicting", "malformed", "differing")
    found = {k: v for k, v in outcome.counts.items() if k.endswith(kinds) and v}
    assert bool(found) == (not outcome.ok)
    return found


def stressed(observed, at=2):
    """A final window with nodes: its position and itself."""
    found = [(i, w) for i, w in enumerate(observed.windows[MODEL]) if w.nodes]
    return found[at]


def test_an_app_that_says_what_it_should_is_equal(expected, observed):
    outcomes = compare(expected, observed, echo_open(expected))
    assert all(outcome.ok for outcome in outcomes.values())
    counts = outcomes[MODEL].counts
    assert counts["windows expected"] == counts["windows found"] == 6 * 2
    assert counts["alerts expected"] == counts["alerts found"] == 7
    assert counts["episodes expected"] == counts["episodes equal"] == 3
    assert outcomes[MODEL].largest == 0


def test_copies_of_windows_and_alerts_are_fine(expected, observed):
    observed.windows[MODEL] *= 2
    observed.alerts[MODEL] *= 2
    outcome = compare(expected, observed)[MODEL]
    assert outcome.ok
    assert outcome.counts["windows repeated"] == 12
    assert outcome.counts["alerts repeated"] == 7


def test_a_missing_window_is_found(expected, observed):
    observed.windows[MODEL].pop(stressed(observed)[0])
    assert counts_of(expected, observed) == {"windows missing": 1}


def test_a_missing_window_without_nodes_is_found(expected, observed):
    observed.windows[MODEL] = [w for w in observed.windows[MODEL] if w.nodes]
    assert counts_of(expected, observed).keys() == {"windows missing"}


def test_a_window_that_should_not_be_final_is_found(expected, observed):
    window = observed.windows[MODEL][-1]
    later = msgspec.structs.replace(
        window,
        window_start=to_datetime(5 * HOUR),
        window_end=to_datetime(7 * HOUR),
    )
    observed.windows[MODEL].append(later)
    assert counts_of(expected, observed) == {"windows extra": 1}


@pytest.mark.parametrize("field", ["stress", "risk"])
def test_a_value_that_is_a_little_off_is_found_and_named(expected, observed, field):
    i, window = stressed(observed)
    values = getattr(window, field).copy()
    values[0] *= 1 + 2e-9
    observed.windows[MODEL][i] = msgspec.structs.replace(window, **{field: values})
    assert counts_of(expected, observed) == {"values differing": 1}
    outcome = compare(expected, observed)[MODEL]
    assert outcome.largest == pytest.approx(2e-9, rel=1e-3)
    assert f"{field} of {window.nodes[0]}" in outcome.largest_at


def test_rounding_is_not_a_difference(expected, observed):
    i, window = stressed(observed)
    off = window.stress * (1 + 5e-10)
    observed.windows[MODEL][i] = msgspec.structs.replace(window, stress=off)
    assert counts_of(expected, observed) == {}


def test_a_node_left_out_of_a_window_is_found(expected, observed):
    i, window = stressed(observed)
    observed.windows[MODEL][i] = msgspec.structs.replace(
        window, nodes=window.nodes[1:], stress=window.stress[1:], risk=window.risk[1:]
    )
    assert counts_of(expected, observed) == {"values differing": 2}


def test_a_window_that_is_there_twice_with_other_values_is_found(expected, observed):
    _, window = stressed(observed)
    double = 2 * window.stress
    observed.windows[MODEL].append(msgspec.structs.replace(window, stress=double))
    assert counts_of(expected, observed) == {"windows conflicting": 1}


def test_a_first_wrong_copy_is_not_mended_by_a_second_right_one(expected, observed):
    i, window = stressed(observed)
    double = 2 * window.stress
    observed.windows[MODEL].insert(i, msgspec.structs.replace(window, stress=double))
    assert counts_of(expected, observed).keys() == {"windows conflicting", "values differing"}


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": ["zz"], "stress": np.ones(1), "risk": np.full(1, 0.5)},
        {"window_start": to_datetime(0)},
        {"shard": 7},
        {"nodes": ["b", "a"], "stress": np.ones(2), "risk": np.full(2, 0.5)},
    ],
    ids=["unknown node", "start", "shard", "not sorted"],
)
def test_a_malformed_window_is_found(expected, observed, change):
    i, window = stressed(observed)
    observed.windows[MODEL][i] = msgspec.structs.replace(window, **change)
    assert counts_of(expected, observed) == {"windows malformed": 1, "windows missing": 1}


def test_a_missing_alert_is_found_and_its_episode_is_not_equal(expected, observed):
    observed.alerts[MODEL].pop(1)
    assert counts_of(expected, observed) == {"alerts missing": 1}
    assert compare(expected, observed)[MODEL].counts["episodes equal"] == 2


def test_an_alert_too_many_is_found(expected, observed):
    alert = observed.alerts[MODEL][0]
    observed.alerts[MODEL].append(msgspec.structs.replace(alert, alert_id="0-RAISED-HIGH"))
    assert counts_of(expected, observed) == {"alerts extra": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"level": "CRITICAL"},
        {"state": "ESCALATED"},
        {"risk_score": 0.7},
        {"peak_risk": 0.7},
        {"timestamp": to_datetime(0)},
        {"window_start": to_datetime(0)},
        {"episode_id": "0123456789abcdef"},
        {"sources": []},
        {"sources": [SourceShare("a", 0.5), SourceShare("c", 0.5)]},
        {"sources": [SourceShare("b", 0.8 / 1.12), SourceShare("c", 0.32 / 1.12)]},
    ],
    ids=lambda change: "-".join(change),
)
def test_an_alert_with_another_value_is_found(expected, observed, change):
    observed.alerts[MODEL][2] = msgspec.structs.replace(observed.alerts[MODEL][2], **change)
    assert counts_of(expected, observed) == {"alerts differing": 1}


def test_alerts_of_an_earlier_version_have_no_peak_and_are_counted(expected, observed):
    alerts = observed.alerts[MODEL]
    without = [msgspec.structs.replace(alert, peak_risk=None) for alert in alerts]
    # The newer version sends the same again, and the rest.
    observed.alerts[MODEL] = [*without[:4], *alerts]
    assert counts_of(expected, observed) == {}
    assert compare(expected, observed)[MODEL].counts["alerts without peak"] == 4


@pytest.mark.parametrize("at", [1, 4, 5, 6])
def test_a_peak_that_an_earlier_step_has_may_not_be_missing_later(expected, observed, at):
    alert = observed.alerts[MODEL][at]
    assert alert.state != "RAISED"
    observed.alerts[MODEL][at] = msgspec.structs.replace(alert, peak_risk=None)
    assert counts_of(expected, observed) == {"alerts differing": 1}
    assert compare(expected, observed)[MODEL].counts["episodes equal"] == 2


def test_an_alert_that_is_there_twice_with_other_values_is_found(expected, observed):
    alert = observed.alerts[MODEL][0]
    observed.alerts[MODEL].append(msgspec.structs.replace(alert, risk_score=0.64))
    assert counts_of(expected, observed) == {"alerts conflicting": 1}


def test_models_are_judged_apart(expected, observed):
    observed.windows["centrality"] = []
    assert counts_of(expected, observed) == {}
    assert counts_of(expected, observed, model="centrality")["windows missing"] == 12


def tied():
    """Two sources that give b the same share, up to rounding: a by 1.6, c by 1."""
    frames = [
        frame("North", 0, [0], [[load(1.6), load(-1)]]),
        frame("South", 0, [0], [[load(1)]]),
        end("North", 1, 1),
        end("South", 1, 1),
    ]
    return recompute(frames, GRID, SETTINGS)


def test_sources_with_equal_shares_may_come_in_either_order():
    expected = tied()
    observed = echo(expected)
    i, alert = next((i, a) for i, a in enumerate(observed.alerts[MODEL]) if a.node_id == "b")
    observed.alerts[MODEL][i] = msgspec.structs.replace(alert, sources=alert.sources[::-1])
    assert alert.sources[0].node_id != alert.sources[1].node_id
    assert counts_of(expected, observed) == {}


def test_at_a_level_the_published_risk_decides_and_it_is_noted():
    # ln 2 of stress is a risk of 1/2, WARNING: which side of it is a matter of the last bit.
    frames = [
        frame("North", 0, [0], [[load(np.log(2)), load(-1)]]),
        frame("South", 0, [0], [[load(-1)]]),
        end("North", 1, 1),
        end("South", 1, 1),
    ]
    expected = recompute(frames, GRID, SETTINGS)
    for risk, alerts in ((np.nextafter(0.5, 0), 0), (0.5, 1)):
        observed = echo(expected)
        at, window = next((i, w) for i, w in enumerate(observed.windows[MODEL]) if "a" in w.nodes)
        risks = np.where(np.array(window.nodes) == "a", risk, window.risk)
        observed.windows[MODEL][at] = msgspec.structs.replace(window, risk=risks)
        outcome = compare(expected, observed)[MODEL]
        assert outcome.counts["risks at a level"] == 1
        assert outcome.counts["alerts expected"] == alerts
        assert "published value decides" in outcome.notes[0]


def test_open_windows_that_are_what_they_should_be_are_equal():
    expected = recompute(unfinished(), GRID, SETTINGS)
    outcome = compare(expected, echo(expected), echo_open(expected))[MODEL]
    assert outcome.ok
    assert outcome.counts["open windows expected"] == outcome.counts["open windows found"] == 3


def test_each_kind_of_wrong_open_window_is_found():
    expected = recompute(unfinished(), GRID, SETTINGS)
    observed = echo(expected)
    right = echo_open(expected)
    first, *others = right[MODEL].windows

    def with_open(*windows):
        return counts_of(expected, observed, right | {MODEL: OpenWindows(windows)})

    wrong = type(first)(
        first.start_s, first.end_s, first.nodes, [2 * x for x in first.stress], first.risk
    )
    closed = type(first)(
        first.start_s - HOUR, first.end_s - HOUR, first.nodes, first.stress, first.risk
    )
    unknown = type(first)(first.start_s, first.end_s, ["zz"], [1.0], [0.5])
    assert with_open(*others) == {"open windows missing": 1}
    assert with_open(wrong, *others) == {"values differing": 3}
    assert with_open(closed, first, *others) == {"open windows extra": 1}
    assert with_open(first, first, *others) == {"open windows conflicting": 1}
    assert with_open(unknown, *others) == {"open windows malformed": 1, "open windows missing": 1}


def test_windows_beyond_what_workers_show_are_counted_and_not_compared():
    expected = recompute(unfinished(), GRID, SETTINGS)
    first, *others = echo_open(expected)[MODEL].windows
    assert others
    shown = {MODEL: OpenWindows([first], first.end_s)}
    outcome = compare(expected, echo(expected), shown)[MODEL]
    assert outcome.ok
    assert outcome.counts["open windows not shown"] == len(others)
    assert outcome.counts["open windows expected"] == 1
    half = [
        type(w)(w.start_s, w.end_s, w.nodes, [0.5 * x for x in w.stress], w.risk) for w in others
    ]
    lacking = {MODEL: OpenWindows([first, *half], first.end_s)}
    assert compare(expected, echo(expected), lacking)[MODEL].ok, "panes beyond it are not shown"
    nothing = {MODEL: OpenWindows([], first.end_s)}
    assert not compare(expected, echo(expected), nothing)[MODEL].ok


@pytest.fixture
def with_late():
    frames = evening()
    late = frame("North", 7, [2], [[load(9), load(9)]])
    return recompute([*frames[:3], late, frames[3]], GRID, SETTINGS)


def test_late_rows_that_were_skipped_for_every_shard_are_equal(with_late):
    outcome = compare(with_late, echo(with_late))[MODEL]
    assert outcome.ok
    assert outcome.counts["late rows expected"] == outcome.counts["late rows found"] == 2


def lose_dead_letters_of(observed: Observed, model: str, shard: int) -> None:
    observed.skipped_rows = [
        one for one in observed.skipped_rows if (one.model, one.shard) != (model, shard)
    ]


def test_a_late_row_that_vanished_is_found(with_late):
    observed = echo(with_late)
    lose_dead_letters_of(observed, MODEL, 1)
    assert counts_of(with_late, observed) == {"late rows missing": 1}


def test_a_row_that_was_skipped_without_being_late_is_found(expected, observed):
    observed.skipped_rows.append(RowsDeadLetter(MODEL, 0, "North", "late", (3, 4)))
    assert counts_of(expected, observed) == {"late rows extra": 1}


def test_rows_too_far_ahead_must_be_skipped_and_in_no_window():
    frames = evening()
    far = frame("North", 6, [24 * 365], [[load(9), load(9)]])
    finals = [end("North", 7, 6), end("South", 6, 6)]
    ahead = recompute([*frames[:2], far, *finals], GRID, SETTINGS)
    plain = recompute(frames, GRID, SETTINGS)
    assert np.array_equal(ahead.models[MODEL].stress, plain.models[MODEL].stress)
    assert ahead.closed == plain.closed
    assert compare(ahead, echo(ahead))[MODEL].counts["ahead rows found"] == 2
    observed = echo(ahead)
    lose_dead_letters_of(observed, MODEL, 1)
    assert counts_of(ahead, observed) == {"ahead rows missing": 1}
    observed.skipped_rows = [RowsDeadLetter(MODEL, s, "North", "late", (6,)) for s in range(2)]
    assert counts_of(ahead, observed) == {"ahead rows missing": 2, "late rows extra": 2}


def test_a_measurement_that_is_there_twice_with_another_value_is_found():
    frames = [*evening(), frame("North", 1, [1], [[1.0, 2.0]])]
    expected = recompute(frames, GRID, SETTINGS)
    outcome = compare(expected, echo(expected))["measurements"]
    assert outcome.problems == ["zone North: seq 1 is there twice with other content"]


def test_unreadable_results_are_a_problem(expected, observed):
    observed.unreadable.append("risk_windows_linear 0/3: not a RiskWindow")
    assert not compare(expected, observed)["measurements"].ok


def test_a_zone_that_never_spoke_is_explained():
    expected = recompute(unfinished()[:1], GRID, SETTINGS)
    (note,) = compare(expected, echo(expected))["measurements"].notes
    assert "no measurement from South" in note


def test_episodes_of_two_runs_are_the_same_text_in_any_order(expected):
    again = recompute([msgspec.structs.replace(f, run="r2") for f in evening()], GRID, SETTINGS)
    mine = episodes_of([a for m in ("linear", "centrality") for a in expected.alerts(m)])
    other = episodes_of([a for m in ("centrality", "linear") for a in again.alerts(m)[::-1]] * 2)
    assert mine == other
    assert mine[3] | {"steps": 0} == {
        "model": "linear",
        "node_id": "a",
        "raised": "1970-01-01T02:00:00Z",
        "cleared": "1970-01-01T05:00:00Z",
        "level": "HIGH",
        "steps": 0,
    }
