"""What the verifier asks of a worker."""

import pytest

from gridstress.verify.workers import WorkerApi
from tests.support.http_answers import answering, without_views
from topology.errors import DataError, GridstressError


async def test_an_answer_that_is_no_json_is_an_error():
    with answering(lambda: b"<html>") as url:
        async with WorkerApi(url) as api:
            with pytest.raises(DataError, match="did not answer with JSON"):
                await api.get("health")


async def test_the_next_is_asked_where_a_worker_has_no_views_or_is_gone():
    with without_views() as worker, answering(lambda: b'{"runs": []}') as views:
        async with WorkerApi(f"{worker},http://127.0.0.1:1,{views}") as api:
            assert await api.get("runs") == {"runs": []}
            assert api.url == views


async def test_without_views_the_error_names_the_way_on():
    with without_views() as worker:
        async with WorkerApi(worker) as api:
            with pytest.raises(GridstressError, match="is a worker without views") as caught:
                await api.get("runs")
    assert "Name a view server in GRIDSTRESS_API_URLS or with --api" in caught.value.hint


@pytest.mark.parametrize("scheme", ["HTTP", "ALL"])
async def test_no_proxy_is_shown_the_token(scheme, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "")
    with answering(lambda: b'{"by": "worker"}') as url, answering(lambda: b"proxy") as proxy:
        monkeypatch.setenv(f"{scheme}_PROXY", proxy)
        async with WorkerApi(url, "secret") as api:
            assert await api.get("health") == {"by": "worker"}
