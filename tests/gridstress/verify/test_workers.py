"""What the verifier asks of a worker."""

import pytest

from gridstress.verify.workers import WorkerApi
from tests.support.http_answers import answering
from topology.errors import DataError


async def test_an_answer_that_is_no_json_is_an_error():
    with answering(lambda: b"<html>") as url:
        async with WorkerApi(url) as api:
            with pytest.raises(DataError, match="did not answer with JSON"):
                await api.get("health")


@pytest.mark.parametrize("scheme", ["HTTP", "ALL"])
async def test_no_proxy_is_shown_the_token(scheme, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "")
    with answering(lambda: b'{"by": "worker"}') as url, answering(lambda: b"proxy") as proxy:
        monkeypatch.setenv(f"{scheme}_PROXY", proxy)
        async with WorkerApi(url, "secret") as api:
            assert await api.get("health") == {"by": "worker"}
