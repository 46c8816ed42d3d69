import time
from dataclasses import replace

from ui.client.snapshot import Snapshot
from ui.dashboard.shell.run_select import NEWEST, run_options
from ui.dashboard.shell.status import status_of
from ui.schema.runs import RunInfo

RUNS = (
    RunInfo("second", "2019-01-15T18:00:00Z", None, False, 2.0),
    RunInfo("first", "2019-01-02T00:00:00Z", None, True, 1.0),
)


def test_the_newest_comes_first_then_every_run_with_its_state():
    assert run_options(RUNS, None) == [
        {"value": NEWEST, "label": "Newest: second"},
        {"value": "second", "label": "second, going on"},
        {"value": "first", "label": "first, ended"},
    ]
    assert run_options((), None) == [{"value": NEWEST, "label": "Newest"}]


def test_a_chosen_run_that_is_not_known_can_still_be_seen_as_chosen():
    assert run_options(RUNS, "x")[-1] == {"value": "x", "label": "x, not known"}


def test_the_status_line_tells_clearly_that_another_run_is_shown():
    now = time.time()
    shown = Snapshot(answered_at=now, run=RUNS[1], runs=RUNS)
    status = status_of(shown, now)
    assert (status.kind, status.title) == ("earlier", "Earlier run")
    assert status.detail == (
        "Shown is first at Wed 02 Jan 2019 00:00 (grid time), it has ended. "
        "The newest is second: choose it above."
    )
    assert status_of(replace(shown, run=RUNS[0]), now).kind == "live"
    missing = status_of(replace(shown, run=RUNS[0], missing="x"), now)
    assert missing.title == "No such run"
    assert "do not know the run x; shown is the newest, second" in missing.detail


def test_an_archived_run_is_said_to_be_one():
    old = RunInfo("old", "2018-12-31T23:00:00Z", None, True, 0.5, archived=True)
    assert run_options((*RUNS, old), None)[-1] == {"value": "old", "label": "old, archived"}
    now = time.time()
    status = status_of(Snapshot(answered_at=now, run=old, runs=(*RUNS, old)), now)
    assert status.title == "Archived run"
    assert status.detail == (
        "Shown are its last values, at Mon 31 Dec 2018 23:00 (grid time), from the archive. "
        "The newest run is second."
    )
