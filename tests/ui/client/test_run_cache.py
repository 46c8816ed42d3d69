from threading import Event, Thread

import pytest

from tests.ui.literal_api import RUN, TWO, answers, literal_api
from ui.client.http import ApiClient
from ui.client.poller import ASKING, Poller

OLD = "opsd-1"
THEN = "2019-01-15T12:00Z"


@pytest.fixture
def api():
    found = answers()
    found["runs"]["runs"].append(
        {"run": OLD, "event_time": "2018-03-01T00:00:00Z", "watermark": None, "ended": False,
         "published_at": 5.0}
    )  # fmt: skip
    found[OLD] = answers()
    for model in ("linear", "centrality"):
        found[OLD][f"state/{model}"] |= {"run": OLD, "risk": [0.7, 0.0, 0.0]}
    with literal_api(found=found) as server:
        yield server


def questions(api):
    return sum(path.startswith("state") for path, _ in api.asked)


def test_another_run_is_shown_with_its_own_values_and_says_that_it_is_not_the_newest(poller):
    found = poller.snapshot(OLD)
    assert found.run.run == OLD
    assert found.view("linear").state.risk == [0.7, 0.0, 0.0]
    assert not found.is_newest
    assert poller.snapshot().is_newest
    assert poller.snapshot(RUN) is poller.snapshot()


def test_no_two_runs_share_a_version(poller, api):
    seen = {poller.snapshot().version, poller.snapshot(OLD).version}
    api.answers["state/linear"]["risk"] = [0.5, 0.5, 0.5]
    seen.add(poller.poll().version)
    assert len(seen) == 3


def test_a_run_is_asked_for_once_for_all_until_more_of_it_is_published(poller, api):
    before = questions(api)
    first = poller.snapshot(OLD)
    assert questions(api) == before + 2
    poller.poll()
    before = questions(api)
    assert poller.snapshot(OLD).version == first.version
    assert questions(api) == before
    api.answers["runs"]["runs"][1]["published_at"] = 6.0
    api.answers[OLD]["state/linear"]["risk"] = [0.8, 0.0, 0.0]
    poller.poll()
    newer = poller.snapshot(OLD)
    assert newer.view("linear").state.risk[0] == 0.8
    assert newer.version > first.version


def test_a_run_that_is_not_known_is_named_and_the_newest_shown_in_its_place(poller):
    found = poller.snapshot("nonsense")
    assert (found.run.run, found.missing) == (RUN, "nonsense")
    assert poller.snapshot().missing == ""


def test_a_runs_last_values_stay_while_the_workers_are_gone(poller, api):
    known = poller.snapshot(OLD)
    api.broken = True
    poller.poll()
    gone = poller.snapshot(OLD)
    assert gone.error
    assert gone.models is known.models


def test_what_pages_ask_for_is_kept_for_each_run(poller, api):
    api.answers[OLD]["episodes"]["episodes"] = []
    assert len(poller.episodes().episodes) == 4
    assert poller.episodes(OLD).episodes == []
    assert len(poller.episodes().episodes) == 4


def test_what_could_not_be_answered_about_a_run_is_asked_for_again(poller, api):
    before = poller.snapshot(OLD).version
    api.broken = True
    assert poller.episodes(OLD) is None
    api.broken = False
    poller.poll()
    assert poller.snapshot(OLD).version > before
    assert poller.episodes(OLD) is not None


def test_before_the_first_answer_no_run_is_called_unknown():
    poller = Poller(ApiClient("http://127.0.0.1:9"))
    assert poller.snapshot(OLD).missing == ""
    poller.stop()


def at_moment(found, event_time):
    """Answers of a moment, of which every model's last window ended then."""
    found = found | {f"state/{m}": found[f"state/{m}"] | {"event_time": event_time} for m in TWO}
    return {name: answer for name, answer in found.items() if name.startswith("state/")}


def test_a_moment_stays_the_same_while_the_run_goes_on(poller, api):
    api.answers[THEN] = at_moment(api.answers, "2019-01-15T12:00:00Z")
    first = poller.snapshot(None, THEN)
    asked = len(api.asked)
    api.answers["runs"]["runs"][0] |= {
        "event_time": "2019-01-15T19:00:00Z", "watermark": "2019-01-15T18:00:00Z",
        "published_at": 2e9,
    }  # fmt: skip
    poller.poll()
    asked = len(api.asked)
    again = poller.snapshot(None, THEN)
    assert len(api.asked) == asked
    assert (again.version, again.run.event_time) == (first.version, "2019-01-15T19:00:00Z")


def test_a_moment_that_lags_or_is_not_kept_yet_is_asked_for_again(api):
    now = [1e9]
    poller = Poller(ApiClient(api.url), clock=lambda: now[0])
    # By the first model's watermark it is final; the other one has not come so far.
    api.answers[THEN] = at_moment(api.answers, "2019-01-15T12:00:00Z")
    api.answers[THEN]["state/centrality"]["event_time"] = "2019-01-15T10:00:00Z"
    poller.poll()
    first = poller.snapshot(None, THEN)
    assert first.event_time == "2019-01-15T12:00:00Z"
    api.answers[THEN]["state/centrality"]["event_time"] = "2019-01-15T12:00:00Z"
    found = poller.snapshot(None, THEN)
    assert found.view("centrality").state.event_time == "2019-01-15T12:00:00Z"
    assert found.version > first.version
    api.answers[THEN] = dict.fromkeys(api.answers[THEN])
    now[0] += 31
    assert poller.snapshot(None, THEN).models == {}
    api.answers[THEN] = {}
    now[0] += 31
    assert poller.snapshot(None, THEN).models
    poller.stop()


def test_many_may_ask_about_nodes_of_a_run_that_goes_on(poller, api):
    done = Event()

    def look():
        while not done.is_set():
            poller.details("wendlingen", ("linear", "centrality"), OLD)

    viewers = [Thread(target=look, daemon=True) for _ in range(ASKING)]
    for viewer in viewers:
        viewer.start()
    for second in range(6, 26):
        api.answers["runs"]["runs"][1]["published_at"] = float(second)
        poller.poll()
    done.set()
    for viewer in viewers:
        viewer.join(10)
    assert not any(viewer.is_alive() for viewer in viewers)
