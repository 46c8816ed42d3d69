from dataclasses import replace

import pytest
from msgspec import structs

from tests.ui.literal_api import literal_api
from topology.shards import shard_of
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot, standing_still
from ui.dashboard.figures.map_nodes import FAINT, node_values
from ui.dashboard.shell.status import moment_status, status_of

NOW = 1e9


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    with literal_api() as api:
        poller = Poller(ApiClient(api.url), clock=lambda: NOW)
        found = poller.poll()
        poller.stop()
    return found


def test_shards_that_stop_while_others_go_on_are_named_and_their_nodes_are_faint(snapshot):
    view = snapshot.view("linear")
    first, second = view.state.parts
    stopped = structs.replace(
        second, shard=2, event_time="2019-01-15T17:00:00Z", published_at=first.published_at - 4
    )
    state = structs.replace(view.state, parts=[first, stopped])
    status = status_of(replace(snapshot, models={"linear": replace(view, state=state)}), NOW)
    assert (status.kind, status.title) == ("quiet", "Part of the grid stands still")
    assert "No news for 4 s from shard 2" in status.detail
    values = node_values(snapshot.grid, state)
    assert [shard_of(node.id, 4) for node in snapshot.grid.nodes] == [2, 0, 2]
    assert values["opacity"] == [FAINT, 1, FAINT]
    assert ["stands still for 4 s" in text for text in values["hover"]] == [True, False, True]


def test_a_shard_that_has_come_as_far_as_the_others_does_not_stand_still(snapshot):
    view = snapshot.view("linear")
    first, second = view.state.parts
    early = structs.replace(second, published_at=first.published_at - 60)
    state = structs.replace(view.state, parts=[first, early])
    assert standing_still(state) == {}


def test_a_view_of_a_moment_says_which_one_and_how_the_data_are(snapshot):
    assert snapshot.run is not None
    # Runs are asked for first: by the time of the values an hour of grid time may have passed.
    earlier = structs.replace(snapshot.run, event_time="2019-01-15T17:00:00Z")
    shown = replace(snapshot, run=earlier, at="2019-01-15T18:20Z")
    status = moment_status(status_of(snapshot, NOW), shown)
    assert (status.kind, status.title) == ("moment", "A moment")
    assert "Tue 15 Jan 2019 18:00" in status.detail
    assert "Meanwhile: live." in status.detail


def test_a_moment_of_which_nothing_is_kept_says_so(snapshot):
    shown = replace(snapshot, models={}, at="2019-01-01T00:00Z")
    status = moment_status(status_of(snapshot, NOW), shown)
    assert (status.kind, status.title) == ("moment", "Not kept")
    assert "Nothing is kept of Tue 01 Jan 2019 00:00" in status.detail


def test_an_archived_run_of_another_grid_says_why_nothing_is_shown(snapshot):
    assert snapshot.run is not None
    assert snapshot.run.record is not None
    record = structs.replace(snapshot.run.record, grid="mine")
    run = structs.replace(snapshot.run, archived=True, record=record)
    status = status_of(replace(snapshot, run=run, models={}), NOW)
    assert (status.kind, status.title) == ("earlier", "Run of another grid")
    assert "made on the grid mine, the workers show germany" in status.detail


def test_where_no_moment_can_be_shown_the_reason_is_said(snapshot):
    missing = replace(snapshot, missing="nonsense")
    status = status_of(missing, NOW)
    assert moment_status(status, missing) == status
    assert status.title == "No such run"
    gone = replace(snapshot, error="no worker answered")
    status = moment_status(status_of(gone, NOW), replace(gone, models={}, at="2019-01-01T00:00Z"))
    assert status.kind == "gone"
