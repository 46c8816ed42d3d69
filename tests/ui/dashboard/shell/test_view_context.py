import time

import pytest
from dash import Dash, Input, Output, html

from tests.ui.literal_api import RUN, answers, literal_api
from ui.client.rewind import parts_at
from ui.dashboard.shell.paused_views import PausedViews, stand_still
from ui.dashboard.shell.view_context import ViewContext, news_of_callback

OLD = "opsd-1"


@pytest.fixture
def api():
    found = answers(published_at=time.time())
    found["runs"]["runs"].append(
        {"run": OLD, "event_time": "2018-03-01T00:00:00Z", "watermark": None, "ended": True,
         "published_at": 5.0}
    )  # fmt: skip
    found[OLD] = answers()
    for model in ("linear", "centrality"):
        found[OLD][f"state/{model}"]["run"] = OLD
        found[OLD][f"node/wendlingen/{model}"]["risk"] = 0.11
    found[OLD]["episodes"]["run"] = OLD
    with literal_api(found=found) as server:
        yield server


def asked_by(context, question):
    """What a callback that is triggered by news gets as its answer."""
    app = Dash()
    app.layout = html.Div([html.Div(id="news"), html.Div(id="out")])

    @app.callback(Output("out", "children"), Input("news", "data"))
    def show(_news):
        return question(context)

    def shown(news):
        asked = {
            "output": "out.children",
            "outputs": {"id": "out", "property": "children"},
            "inputs": [{"id": "news", "property": "data", "value": news}],
            "changedPropIds": ["news.data"],
        }
        answer = app.server.test_client().post("/_dash-update-component", json=asked)
        return answer.json["response"]["out"]["children"]

    return shown


def test_outside_of_callbacks_the_newest_is_given(poller):
    assert news_of_callback() == (None, None)
    context = ViewContext(poller, PausedViews())
    assert context.snapshot() is poller.snapshot()
    assert context.node("wendlingen", "linear").risk == 0.83


def test_a_view_of_another_run_is_answered_about_that_run(poller):
    context = ViewContext(poller, PausedViews())
    assert asked_by(context, lambda s: s.snapshot().run.run)([1, OLD]) == OLD
    assert asked_by(context, lambda s: s.node("wendlingen", "linear").risk)([1, OLD]) == 0.11
    assert asked_by(context, lambda s: s.episodes().run)([1, OLD]) == OLD
    assert asked_by(context, lambda s: s.snapshot().run.run)([1, None]) == RUN


@pytest.mark.parametrize("news", [None, 7, [1], ["1", None], [1, 2], {"version": 1}])
def test_impossible_news_means_the_newest(poller, news):
    assert asked_by(ViewContext(poller, PausedViews()), lambda s: s.snapshot().run.run)(news) == RUN


def test_a_paused_view_keeps_snapshot_and_answers_while_others_go_on(poller, api):
    paused = PausedViews()
    context = ViewContext(poller, paused)
    old = stand_still(poller, paused, None)
    api.answers["state/linear"]["risk"] = [0.5, 0.5, 0.5]
    api.answers["episodes"]["episodes"] = []
    new = poller.poll()
    assert new.version != old.version
    risk = asked_by(context, lambda s: s.snapshot().view("linear").state.risk[2])
    assert (risk([old.version, None]), risk([new.version, None])) == (0.83, 0.5)
    episodes = asked_by(context, lambda s: len(s.episodes().episodes))
    assert (episodes([old.version, None]), episodes([new.version, None])) == (4, 0)


def test_a_node_first_looked_at_while_paused_is_brought_back_to_that_moment(poller, api):
    paused = PausedViews()
    old = stand_still(poller, paused, None)
    now = api.answers["node/wendlingen/linear"]
    now["risk"], now["event_time"] = 0.2, "2019-01-15T20:00:00Z"
    now["windows"].append({"window_end": "2019-01-15T18:00:00Z", "stress": 1.0, "risk": 0.5})
    api.answers["state/linear"]["risk"] = [0.1, 0.1, 0.2]
    poller.poll()

    def values(source):
        found = source.node("wendlingen", "linear")
        return [found.risk, len(found.windows), parts_at(found)]

    shown = asked_by(ViewContext(poller, paused), values)
    assert shown([old.version, None]) == [0.83, 2, "2019-01-15T20:00:00Z"]
    now["event_time"] = "2019-01-15T23:00:00Z"
    assert shown([old.version, None]) == [0.83, 2, "2019-01-15T20:00:00Z"]
    assert shown([poller.poll().version, None]) == [0.2, 3, None]
