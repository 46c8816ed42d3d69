from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import httpx
import pytest

from gridstress.local import services
from tests.support.wsgi import served
from tests.ui.literal_api import literal_api
from topology.errors import UsageError
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.dashboard import create_dashboard, serve
from ui.dashboard.serving.login import TRIES, ask_for_token
from ui.dashboard.serving.server import LIMITS, options

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "10.0.0.7"])
def test_it_does_not_listen_for_others_without_a_token(bind: str) -> None:
    with pytest.raises(UsageError, match="the dashboard would listen on"):
        serve("http://127.0.0.1:1", bind=bind)


class _HeardError(Exception):
    """Ends the server from its own callback."""


@pytest.mark.parametrize("allowed", [{"token": TOKEN}, {"insecure": True}])
def test_a_token_or_plain_words_let_it_listen(allowed: dict[str, str]) -> None:
    heard = Event()

    def ready(_address: str) -> None:
        heard.set()
        raise _HeardError

    with pytest.raises(_HeardError):
        serve("http://127.0.0.1:1", bind="0.0.0.0", port=0, on_ready=ready, **allowed)  # type: ignore[arg-type]
    assert heard.is_set()


@contextmanager
def dashboard(proxy: str = "") -> Iterator[str]:
    with literal_api() as api:
        app = create_dashboard(Poller(ApiClient(api.url)))
        ask_for_token(app, TOKEN)
        with served(app.server, threads=2, **options(proxy)) as url:
            yield url


@pytest.fixture
def address() -> Iterator[str]:
    with dashboard() as url:
        yield url


def log_in(address: str, token: str = TOKEN, **headers: str) -> httpx.Response:
    named = {f"X-Forwarded-{name}": value for name, value in headers.items()}
    return httpx.post(f"{address}/login", data={"token": token}, headers=named)


def test_a_body_or_header_that_is_too_large_is_refused(address: str) -> None:
    body = b"x" * (LIMITS["max_request_body_size"] + 1)
    assert httpx.post(f"{address}/_dash-update-component", content=body).status_code == 413
    assert httpx.get(address, headers={"X": "y" * 20_000}).status_code == 431


def test_whoever_waits_for_it_to_come_up_needs_no_token(address: str) -> None:
    assert services.answers(f"{address}/")


def test_a_proxy_that_is_named_may_say_that_it_was_https(address: str) -> None:
    with dashboard(proxy="127.0.0.1") as behind:
        assert "Secure" in log_in(behind, Proto="https").headers["Set-Cookie"]
        assert "Secure" not in log_in(behind).headers["Set-Cookie"]
    assert "Secure" not in log_in(address, Proto="https").headers["Set-Cookie"]


def test_only_a_proxy_that_is_named_may_say_for_whom_it_asks(address: str) -> None:
    others = [f"192.0.2.{n}" for n in range(TRIES + 1)]
    with dashboard(proxy="127.0.0.1") as behind:
        assert {log_in(behind, "wrong", For=other).status_code for other in others} == {401}
    codes = [log_in(address, "wrong", For=other).status_code for other in others]
    assert codes == [401] * TRIES + [429]
