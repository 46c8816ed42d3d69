import time
from dataclasses import replace

import pytest
from dash import Dash, Input, Output, html

from tests.ui.literal_api import answers, literal_api
from ui.client import ApiClient
from ui.dashboard.pause import KEPT, Paused, news_of_callback, steady
from ui.dashboard.status import paused_status, status_of
from ui.poller import Poller, Snapshot


@pytest.fixture
def poller():
    with literal_api(found=answers(published_at=time.time())) as api:
        made = Poller(ApiClient(api.url))
        made.poll()
        yield made
        made.stop()


def test_outside_of_callbacks_the_newest_snapshot_is_given(poller):
    assert news_of_callback() is None
    assert steady(poller, Paused()).snapshot() is poller.snapshot()


def test_a_paused_view_keeps_its_snapshot_while_others_go_on(poller):
    app, paused = Dash(), Paused()
    source = steady(poller, paused)
    app.layout = html.Div([html.Div(id="news"), html.Div(id="out")])

    @app.callback(Output("out", "children"), Input("news", "data"))
    def show(_news):
        return source.snapshot().trends.run

    def shown(version):
        asked = {
            "output": "out.children",
            "outputs": {"id": "out", "property": "children"},
            "inputs": [{"id": "news", "property": "data", "value": version}],
            "changedPropIds": ["news.data"],
        }
        answer = app.server.test_client().post("/_dash-update-component", json=asked)
        return answer.json["response"]["out"]["children"]

    old = poller.snapshot()
    paused.keep(replace(old, trends=replace(old.trends, run="where it stands")))
    assert shown(old.version) == "where it stands"
    assert shown(old.version + 1) == old.run.run


def test_everything_else_is_asked_of_the_source_itself(poller):
    assert steady(poller, Paused()).node("wendlingen", "linear").risk == 0.83


def test_only_so_many_paused_snapshots_are_kept():
    paused = Paused()
    for version in range(KEPT + 1):
        paused.keep(Snapshot(version=version))
    assert paused.at(0) is None
    assert paused.at(KEPT).version == KEPT
    assert paused.at(None) is None


def test_a_paused_view_says_where_it_stands_and_how_the_data_are(poller):
    snapshot = poller.snapshot()
    status = paused_status(status_of(snapshot, time.time()), snapshot)
    assert (status.kind, status.title, status.stale) == ("paused", "Paused", False)
    assert "Tue 15 Jan 2019 18:00" in status.detail
    assert "Meanwhile: live." in status.detail
