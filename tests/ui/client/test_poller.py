import threading
import time
from dataclasses import FrozenInstanceError

import pytest

from tests.ui.literal_api import RUN, answers, literal_api, past_run
from ui.client.http import ApiClient
from ui.client.poller import Poller


@pytest.fixture
def api():
    with literal_api() as server:
        yield server


@pytest.fixture
def poller(api):
    client = ApiClient(api.url)
    yield Poller(client)
    client.close()


def wait_until(condition, deadline_s=10.0):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


def test_a_poll_brings_both_models_of_the_run_active_last(poller):
    snapshot = poller.poll()
    assert snapshot.run.run == RUN
    assert list(snapshot.models) == ["linear", "centrality"]
    assert snapshot.view("linear").state.risk[2] == 0.83
    assert snapshot.view("centrality").top[0].level == "CRITICAL"
    assert snapshot.view("nonsense") is None


def test_a_snapshot_cannot_be_changed(poller):
    snapshot = poller.poll()
    with pytest.raises(FrozenInstanceError):
        snapshot.version = 3
    with pytest.raises(TypeError):
        snapshot.models["linear"] = None


def test_the_version_grows_only_with_the_content(poller, api):
    first = poller.poll()
    again = poller.poll()
    assert again.version == first.version
    assert again.answered_at >= first.answered_at
    api.answers["state/linear"]["risk"] = [0.5, 0.5, 0.5]
    assert poller.poll().version == first.version + 1


def test_a_new_publishing_time_alone_is_no_new_version(poller, api):
    first = poller.poll()
    state = api.answers["state/linear"]
    state["version"] += 1
    state["speed"] = 3601.3
    state["parts"][0]["published_at"] += 1
    api.answers["runs"]["runs"][0]["published_at"] += 1
    second = poller.poll()
    assert second.version == first.version
    assert second.view("linear").state.parts[0].published_at == 1e9 + 1


def test_a_worker_that_goes_away_leaves_the_last_values_and_says_so():
    with literal_api() as api:
        port = api.server_address[1]
        poller = Poller(ApiClient(api.url))
        good = poller.poll()
    gone = poller.poll()
    assert gone.error.startswith("no worker answered")
    assert gone.models is good.models
    assert (gone.version, gone.answered_at) == (good.version, good.answered_at)
    with literal_api(port):
        back = poller.poll()
    poller.stop()
    assert back.error == ""
    assert back.answered_at > good.answered_at


def test_nothing_has_been_replayed_yet():
    found = answers()
    found["runs"] = {"runs": []}
    for model in ("linear", "centrality"):
        found[f"state/{model}"] |= {"run": None, "event_time": None, "watermark": None}
        found[f"alerts/{model}"] |= {"run": None, "alerts": []}
    with literal_api(found=found) as api:
        poller = Poller(ApiClient(api.url))
        snapshot = poller.poll()
        poller.stop()
    assert snapshot.error == ""
    assert snapshot.run is None


def test_one_nodes_detail_is_asked_for_once_a_version(poller, api):
    poller.poll()
    first = poller.node("wendlingen", "linear")
    assert first.sources[0].node_id == "krummel"
    poller.poll()
    poller.node("wendlingen", "linear")
    assert sum(path == "node/wendlingen" for path, _ in api.asked) == 1
    api.answers["state/linear"]["risk"] = [0.5, 0.5, 0.5]
    poller.poll()
    poller.node("wendlingen", "linear")
    assert sum(path == "node/wendlingen" for path, _ in api.asked) == 2


def test_an_unknown_node_has_no_detail(poller):
    poller.poll()
    assert poller.node("nowhere", "linear") is None


def test_a_nodes_last_detail_stays_while_the_worker_is_gone():
    with literal_api() as api:
        poller = Poller(ApiClient(api.url))
        poller.poll()
        known = poller.node("wendlingen", "linear")
    poller.poll()
    assert poller.node("wendlingen", "linear") is known
    assert poller.node("diele", "linear") is None
    poller.stop()


def asked(api, path):
    return sum(found == path for found, _ in api.asked)


@pytest.mark.parametrize(
    ("method", "path"),
    [("episodes", "episodes"), ("history", "compare/history"), ("compare", "compare")],
)
def test_what_pages_ask_for_is_fetched_once_a_version_for_all_and_not_before(
    poller, api, method, path
):
    poller.poll()
    assert asked(api, path) == 0
    viewers = [threading.Thread(target=getattr(poller, method)) for _ in range(10)]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()
    assert asked(api, path) == 1
    api.answers["state/linear"]["risk"] = [0.5, 0.5, 0.5]
    poller.poll()
    assert getattr(poller, method)().run == RUN
    assert asked(api, path) == 2


def test_the_system_is_asked_for_every_two_seconds_at_most(api):
    now = [1000.0]
    poller = Poller(ApiClient(api.url), clock=lambda: now[0])
    poller.poll()
    poller.system()
    now[0] = 1001.9
    assert poller.system().workers[0].worker == "host:6066"
    assert asked(api, "system") == 1
    now[0] = 1002.1
    poller.system()
    assert asked(api, "system") == 2
    poller.stop()


def test_what_pages_asked_for_last_stays_while_the_workers_are_gone_and_they_are_left_alone():
    with literal_api() as api:
        poller = Poller(ApiClient(api.url))
        poller.poll()
        known = poller.history(), poller.system()
        api.broken = True
        poller.poll()
        before = len(api.asked)
        assert poller.history() is known[0]
        assert poller.system() is known[1]
        assert poller.episodes() is None
        assert len(api.asked) == before
    poller.stop()


def test_an_answer_that_failed_is_asked_for_again(poller, api):
    poller.poll()
    api.broken = True
    assert poller.history() is None
    api.broken = False
    assert poller.history().k == 10


def test_what_could_not_be_answered_is_news_as_soon_as_it_can_be(poller, api):
    asked = poller.poll().version
    api.broken = True
    assert poller.history() is None
    api.broken = False
    assert poller.poll().version == asked + 1, "pages ask again"
    assert poller.poll().version == asked + 1
    api.broken = True
    assert poller.poll().error
    assert poller.compare() is None, "not even asked"
    api.broken = False
    assert poller.poll().version == asked + 2


def test_the_thread_polls_until_it_is_stopped(api):
    poller = Poller(ApiClient(api.url), interval_s=0.02)
    poller.start()
    wait_until(lambda: poller.snapshot().version == 1)
    api.answers["state/linear"]["risk"] = [0.5, 0.5, 0.5]
    wait_until(lambda: poller.snapshot().version == 2)
    poller.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "gridstress-poller"]


def test_a_node_is_asked_for_under_both_models_at_the_same_time(poller, api):
    poller.poll()
    both, ask = threading.Barrier(2, timeout=10), poller._client.node

    def meet(*given, at):
        both.wait()
        return ask(*given, at=at)

    poller._client.node = meet
    found = poller.details("wendlingen", ["linear", "centrality"])
    assert [found["linear"].risk, found["centrality"].risk] == [0.83, 0.95]
    assert poller.details("nowhere", []) == {}


def test_archived_runs_follow_those_that_are_live_each_once():
    found = answers()
    found["history/runs"]["runs"] = [past_run(RUN), past_run("yesterday")]
    with literal_api(found=found) as api, ApiClient(api.url) as client:
        runs = Poller(client).poll().runs
        assert [(run.run, run.archived) for run in runs] == [(RUN, False), ("yesterday", True)]
        found["runs"]["runs"] = []
        assert Poller(client).poll().run.run == RUN


def test_workers_without_an_archive_are_no_failure():
    found = answers()
    del found["history/runs"]
    with literal_api(found=found) as api, ApiClient(api.url) as client:
        snapshot = Poller(client).poll()
        assert (snapshot.error, [run.run for run in snapshot.runs]) == ("", [RUN])
