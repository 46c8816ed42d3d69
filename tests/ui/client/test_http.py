import json

import httpx
import pytest

from tests.support.http_answers import answering, without_views
from tests.ui.literal_api import RUN, answers, literal_api, past_run
from topology.errors import UsageError
from ui.client.http import ApiClient, parse_urls
from ui.client.refusals import (
    ApiError,
    UnknownNameError,
    ViewsGoneError,
    WorkerGoneError,
    refuse,
)
from ui.schema.replays import Wanted

NOTHING_THERE = "http://127.0.0.1:1"


def test_answers_are_read_as_typed_records():
    with literal_api() as api, ApiClient(api.url) as client:
        assert client.grid().nodes[1].name == "Krümmel"
        assert client.runs()[0].run == RUN
        assert client.state("centrality").kpis.active_alarms["CRITICAL"] == 1
        assert client.top("linear").nodes[0].node_id == "wendlingen"
        assert client.alerts("linear").alerts[0].sources[0].share == 0.6
        assert client.node("wendlingen").windows[-1].risk == 0.82


def test_answers_about_a_whole_run_and_about_the_workers_are_typed_too():
    with literal_api() as api, ApiClient(api.url) as client:
        episode = client.episodes("linear", limit=10).episodes[0]
        assert (episode.open, episode.cleared_at, episode.duration_s) == (True, None, 10_800)
        history = client.history(RUN)
        assert [point.rank_correlation for point in history.points] == [None, 0.33, 0.81]
        assert history.episodes.only == {"linear": ["e2"], "centrality": ["c2"]}
        assert (history.episodes.counts["linear"], history.episodes.both) == (2, 1)
        assert (history.lead.median_s, history.lead.earlier["centrality"]) == (-3600, 1)
        system = client.system()
        assert system.workers[0].lag["stress_events"] == 1234
        assert system.settings["GRIDSTRESS_STEP_S"] == "3600"


def test_a_run_without_pairs_has_no_lead():
    found = answers()
    found["compare/history"] |= {"points": [], "lead": {"median_s": None, "earlier": {}}}
    with literal_api(found=found) as api, ApiClient(api.url) as client:
        assert client.history().lead.median_s is None


def test_an_unchanged_answer_is_asked_for_by_etag_and_is_the_same_object_again():
    with literal_api() as api, ApiClient(api.url) as client:
        first = client.state("linear")
        assert client.state("linear") is first
        assert [status for _, status in api.asked] == [200, 304]
        api.answers["state/linear"]["version"] = 8
        assert client.state("linear").version == 8


def test_the_models_do_not_share_an_etag():
    with literal_api() as api, ApiClient(api.url) as client:
        api.etag = '"7"'
        assert client.state("linear").risk != client.state("centrality").risk


def test_the_next_worker_is_asked_when_one_is_gone_and_stays_the_first_choice():
    with literal_api() as gone:
        pass
    with literal_api() as api, ApiClient([gone.url, api.url]) as client:
        assert client.grid().name == "germany"
        assert client.worker == api.url


def test_the_next_worker_is_asked_when_one_is_broken():
    with literal_api() as broken, literal_api() as api, ApiClient([broken.url, api.url]) as client:
        broken.broken = True
        assert client.grid().name == "germany"
        client.runs()
        assert [path for path, _ in broken.asked] == ["grid"]


def test_workers_with_equal_etags_but_other_contents_are_kept_apart():
    with literal_api() as one, literal_api() as two, ApiClient([one.url, two.url]) as client:
        one.etag = two.etag = '"812"'
        two.answers["state/linear"]["version"] = 900
        assert client.state("linear").version == 7
        one.broken = True
        assert client.state("linear").version == 900


def test_something_else_at_the_address_is_no_worker():
    page = {"grid": ["this", "is", "no", "grid"]}
    with (
        literal_api(found=page) as other,
        ApiClient(other.url) as client,
        pytest.raises(WorkerGoneError, match="not an answer of a gridstress worker"),
    ):
        client.grid()


def test_when_nobody_answers_the_error_names_every_worker_and_why():
    with literal_api() as one, literal_api() as two:
        two.broken = True
        urls = [one.url, two.url]
        one.broken = True
        with ApiClient(urls) as client, pytest.raises(WorkerGoneError) as caught:
            client.grid()
    assert all(url in str(caught.value) for url in urls)
    assert "status 500" in str(caught.value)
    with ApiClient(urls) as client, pytest.raises(WorkerGoneError, match="nothing listens there"):
        client.grid()


def test_an_unknown_node_is_an_error_that_lists_what_exists_and_asks_no_other_worker():
    with literal_api() as one, literal_api() as two, ApiClient([one.url, two.url]) as client:
        with pytest.raises(UnknownNameError) as caught:
            client.node("nowhere")
        assert caught.value.exists == ("diele",)
        assert two.asked == []


def test_a_run_that_one_worker_does_not_know_may_be_in_the_archive_of_another():
    none, found = answers(), answers() | {"yesterday": answers()}
    del none["history/runs"]
    found["history/runs"]["runs"] = [past_run("yesterday")]
    with (
        literal_api(found=none) as one,
        literal_api(found=found) as two,
        ApiClient([one.url, two.url]) as client,
    ):
        assert [run.run for run in client.past_runs()] == ["yesterday"]
        assert client.state("linear", "yesterday").nodes
        assert client.worker == two.url


def test_a_worker_that_is_not_ready_still_tells_its_health():
    found = answers()
    found["health"]["status"] = "rebalancing"
    with literal_api(found=found) as api, ApiClient(api.url) as client:
        assert client.health().status == "rebalancing"


def test_a_worker_without_views_leaves_the_question_to_the_next():
    with (
        without_views("host:6070") as worker,
        literal_api() as api,
        ApiClient([worker, api.url]) as client,
    ):
        assert client.state("linear").run == RUN
        assert client.worker == api.url


def test_a_command_that_a_worker_without_views_refuses_goes_to_the_next():
    times = {"next": None, "begin": "2019-01-01T00:00Z", "end": "2020-01-01T00:00Z"}
    how = {"speed": "auto", "hurries": False, "to_alarm": False, "source": "synthetic-2025"}
    replay = {"replay": "host-1", "state": "paused", "run": RUN, **how, **times}
    with (
        without_views() as worker,
        answering(lambda: json.dumps(replay).encode()) as views,
        ApiClient([worker, views]) as client,
    ):
        assert client.command(Wanted("pause")).state == "paused"


@pytest.mark.parametrize(
    "ask", [ApiClient.grid, lambda client: client.command(Wanted("pause"))], ids=["view", "command"]
)
def test_where_none_has_views_the_error_says_what_to_do(ask):
    named = "name a view server in GRIDSTRESS_API_URLS"
    with without_views() as worker, ApiClient(worker) as client:
        with pytest.raises(ViewsGoneError, match="host:6066 is a worker without views") as caught:
            ask(client)
        assert caught.value.hint == named
    with without_views() as worker, ApiClient([worker, NOTHING_THERE]) as client:
        with pytest.raises(ViewsGoneError, match="nothing listens there") as caught:
            ask(client)
        assert (
            caught.value.hint
            == f"{NOTHING_THERE} did not answer: start a view server there, or {named}"
        )
    with ApiClient(NOTHING_THERE) as client, pytest.raises(WorkerGoneError) as gone:
        ask(client)
    assert "is a worker running?" in gone.value.hint


def test_addresses_are_read_from_text_or_a_list_and_each_once():
    assert parse_urls("http://a:1/, http://b:2,http://a:1") == ("http://a:1", "http://b:2")
    assert parse_urls(["https://a"]) == ("https://a",)


@pytest.mark.parametrize("text", ["", " , ", "localhost:6066", "ftp://a", "http://"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError):
        parse_urls(text)


def test_a_refused_token_is_reported_with_what_to_do():
    request = httpx.Request("GET", "http://127.0.0.1:6066/api/v1/state")
    refusal = httpx.Response(401, json={"error": "this needs the token"}, request=request)
    with pytest.raises(ApiError, match="refused our token: this needs the token") as caught:
        refuse(refusal)
    assert "GRIDSTRESS_API_TOKEN" in caught.value.hint
