from dataclasses import replace

from ui.client.snapshot import Snapshot, alerts_since, content_of
from ui.schema.runs import RunInfo


def test_alerts_are_asked_back_to_the_longer_of_ten_minutes_and_a_grid_day():
    now = 1_000_020.0
    assert alerts_since(now, 3600.0) == 999_420
    assert now - alerts_since(now, 1.0) >= 86_400
    assert alerts_since(now, 60.0) == alerts_since(now, 61.0)
    assert alerts_since(now, None) is None


def test_a_new_publishing_time_looks_the_same_and_a_new_run_does_not():
    runs = (RunInfo("b", None, None, False, 2.0), RunInfo("a", None, None, True, 1.0))
    again = (RunInfo("b", None, None, False, 3.0), RunInfo("a", None, None, True, 1.0))
    assert content_of(None, runs, runs[0], None, {}) == content_of(None, again, again[0], None, {})
    assert content_of(None, runs, runs[0], None, {}) != content_of(
        None, runs[:1], runs[0], None, {}
    )


def test_only_the_run_active_last_is_the_newest():
    runs = (RunInfo("b", None, None, False, 2.0), RunInfo("a", None, None, True, 1.0))
    shown = Snapshot(run=runs[0], runs=runs)
    assert shown.is_newest
    assert not replace(shown, run=runs[1]).is_newest
    assert Snapshot().is_newest
