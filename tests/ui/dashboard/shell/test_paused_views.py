import time
from dataclasses import replace

import pytest
from msgspec import structs

from tests.ui.literal_api import RUN, answers, literal_api
from ui.client.snapshot import Snapshot
from ui.dashboard.shell.paused_views import KEPT, KEPT_ANSWERS, PausedViews, Standstill, stand_still
from ui.dashboard.shell.status import paused_status, status_of


@pytest.fixture
def api():
    with literal_api(found=answers(published_at=time.time())) as server:
        yield server


def test_only_so_many_paused_snapshots_are_kept():
    paused = PausedViews()
    for version in range(KEPT + 1):
        paused.keep(Snapshot(version=version))
    assert paused.at(0) is None
    assert paused.at(KEPT).snapshot.version == KEPT
    assert paused.at(None) is None


def test_views_that_pause_at_one_version_share_what_is_kept():
    paused = PausedViews()
    assert paused.keep(Snapshot(version=3)) is paused.keep(Snapshot(version=3))


def test_the_answer_given_first_stays_and_a_missing_one_is_asked_for_again():
    stands, given = Standstill(Snapshot()), iter([None, "first", "second"])
    assert stands.answer(("a",), lambda: next(given)) is None
    assert stands.answer(("a",), lambda: next(given)) == "first"
    assert stands.answer(("a",), lambda: next(given)) == "first"


def test_only_so_many_answers_are_kept():
    stands = Standstill(Snapshot())
    for number in range(KEPT_ANSWERS + 1):
        stands.answer((str(number),), lambda: "old")
    assert stands.answer(("0",), lambda: "new") == "new"
    assert stands.answer((str(KEPT_ANSWERS),), lambda: "new") == "old"


def test_pausing_asks_for_what_other_pages_show_of_that_moment(poller, api):
    snapshot = stand_still(poller, paused := PausedViews(), None)
    asked = {path for path, _ in api.asked}
    assert asked >= {"episodes", "compare/history", "compare", "system"}
    kept = paused.at(snapshot.version)
    assert kept.answer(("episodes",), lambda: None).run == RUN


def test_a_paused_view_says_where_it_stands_and_how_the_data_are(poller):
    snapshot = poller.snapshot()
    status = paused_status(status_of(snapshot, time.time()), snapshot)
    assert (status.kind, status.title) == ("paused", "Paused")
    assert "Tue 15 Jan 2019 18:00" in status.detail
    assert "Meanwhile: live." in status.detail


def test_it_stands_where_the_values_are_that_it_shows(poller):
    """Runs are asked for first: by the time of the values an hour of grid time may have passed."""
    snapshot = poller.snapshot()
    assert snapshot.run is not None
    earlier = structs.replace(snapshot.run, event_time="2019-01-15T17:00:00Z")
    status = paused_status(status_of(snapshot, time.time()), replace(snapshot, run=earlier))
    assert "Tue 15 Jan 2019 18:00" in status.detail
