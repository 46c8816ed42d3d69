import time

import pytest
from dash import Dash, Input, Output, html

from tests.ui.literal_api import RUN, answers, literal_api
from ui.dashboard.shell.view_context import ViewContext, known_moment, looked_at

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
    assert looked_at() == (None, None)
    context = ViewContext(poller)
    assert context.snapshot() is poller.snapshot()
    assert context.node("wendlingen", "linear").risk == 0.83


def test_a_view_of_another_run_is_answered_about_that_run(poller):
    context = ViewContext(poller)
    assert asked_by(context, lambda s: s.snapshot().run.run)([1, OLD, None]) == OLD
    assert asked_by(context, lambda s: s.node("wendlingen", "linear").risk)([1, OLD, None]) == 0.11
    assert asked_by(context, lambda s: s.episodes().run)([1, OLD, None]) == OLD
    assert asked_by(context, lambda s: s.snapshot().run.run)([1, None, None]) == RUN


@pytest.mark.parametrize(
    "news",
    [
        None,
        7,
        [1],
        ["1", None, None],
        [1, 2, None],
        [1, None],
        [1, None, "yesterday"],
        [1, None, "0001-01-01T00:00Z"],
        [1, None, "9999-12-31T23:59Z"],
        {"version": 1},
    ],
)
def test_impossible_news_means_the_newest(poller, news):
    assert asked_by(ViewContext(poller), lambda s: s.snapshot().run.run)(news) == RUN


def test_a_view_of_a_moment_is_answered_about_it_while_others_go_on(poller, api):
    then = "2019-01-15T12:00Z"
    api.answers[then] = answers()
    earlier = api.answers[then]
    earlier["state/linear"]["risk"] = [0.5, 0.5, 0.5]
    earlier["node/wendlingen/linear"]["risk"] = 0.2
    earlier["episodes"]["episodes"] = []
    context = ViewContext(poller)
    risk = asked_by(context, lambda s: s.snapshot().view("linear").state.risk[2])
    assert (risk([1, None, then]), risk([1, None, None])) == (0.5, 0.83)
    node = asked_by(context, lambda s: s.node("wendlingen", "linear").risk)
    assert (node([1, None, then]), node([1, None, None])) == (0.2, 0.83)
    episodes = asked_by(context, lambda s: len(s.episodes().episodes))
    assert (episodes([1, None, then]), episodes([1, None, None])) == (0, 4)
    asked = len(api.asked)
    # What lies behind the watermark is asked for once.
    assert risk([1, None, then]) == 0.5
    assert len(api.asked) == asked
    api.answers["state/linear"]["risk"] = [0.1, 0.1, 0.1]
    poller.poll()
    assert (risk([1, None, then]), risk([1, None, None])) == (0.5, 0.1)


def test_a_moment_that_is_not_kept_has_no_views(poller, api):
    then = "2019-01-01T00:00Z"
    api.answers[then] = {name: None for name in api.answers if name.startswith("state/")}
    found = ViewContext(poller)
    assert asked_by(found, lambda s: len(s.snapshot().models))([1, None, then]) == 0


@pytest.mark.parametrize("at", [None, 7, [], {}, "", "2019-01-15\ud80012:00", "2019-13-01T00:00Z"])
def test_what_is_no_moment_is_live(at):
    assert known_moment(at) is None


def test_a_moment_is_kept_as_the_browser_names_it():
    for at in ("2019-01-15T12:00Z", "1970-01-01T00:00Z"):
        assert known_moment(at) == at
