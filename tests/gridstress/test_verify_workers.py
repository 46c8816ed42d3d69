"""What the verifier asks of a worker."""

import httpx
import pytest

from gridstress.verify.workers import WorkerApi
from topology.errors import DataError


async def test_an_answer_that_is_no_json_is_an_error():
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>"))
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(DataError, match="did not answer with JSON"):
            await WorkerApi(client, "http://127.0.0.1:1").get("health")
