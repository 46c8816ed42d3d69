import logging
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.ui.literal_api import literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.dashboard import create_dashboard
from ui.dashboard.serving.login import TRIES, TRIES_S, Tries, ask_for_token, refuse_other_names

TOKEN = "correct-horse-battery"
HTML = {"Accept": "text/html"}


@pytest.fixture
def browser() -> Iterator[FlaskClient]:
    """A browser that knows the dashboard's address, not its token."""
    with literal_api() as api:
        app = create_dashboard(Poller(ApiClient(api.url)))
        ask_for_token(app, TOKEN)
        yield app.server.test_client()


def log_in(browser: FlaskClient, token: str = TOKEN, path: str = "/login") -> TestResponse:
    return browser.post(path, data={"token": token})


@pytest.mark.parametrize(
    "path",
    ["/system", "/nonesuch", "/_dash-layout", "/_dash-dependencies", "/_reload-hash",
     "/assets/gridstress.css", "/_favicon.ico",
     "/_dash-component-suites/dash/deps/react@18.3.1.min.js"],
)  # fmt: skip
def test_nothing_is_served_before_the_log_in(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).status_code == 401
    assert browser.get(path, headers=HTML).location.startswith("/login")
    assert browser.post(path).status_code == 401


def test_the_first_page_leads_to_the_log_in_whoever_asks(browser: FlaskClient) -> None:
    assert browser.get("/").location == "/login"


def test_a_callback_is_refused_before_the_log_in(browser: FlaskClient) -> None:
    assert browser.post("/_dash-update-component", json={}).status_code == 401


def test_the_token_opens_the_page_that_was_asked_for(browser: FlaskClient) -> None:
    asked = browser.get("/?model=linear&node=diele", headers=HTML)
    answer = log_in(browser, path=asked.location)
    assert (answer.status_code, answer.location) == (303, "/?model=linear&node=diele")
    assert browser.get("/").status_code == 200
    assert browser.get("/_dash-layout").status_code == 200
    assert b"Log out" in browser.get("/").data


def test_after_logging_out_nothing_is_served(browser: FlaskClient) -> None:
    log_in(browser)
    assert browser.post("/logout").location == "/login"
    assert browser.get("/").status_code == 302


def test_the_cookie_is_for_this_site_and_not_for_scripts(browser: FlaskClient) -> None:
    cookie = log_in(browser).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie


def test_over_https_the_cookie_is_kept_to_https(browser: FlaskClient) -> None:
    answer = browser.post("/login", data={"token": TOKEN}, base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_cookie_of_another_token_opens_nothing(browser: FlaskClient) -> None:
    with literal_api() as api:
        other = create_dashboard(Poller(ApiClient(api.url)))
        ask_for_token(other, "another-token-altogether")
        elsewhere = other.server.test_client()
        log_in(elsewhere, "another-token-altogether")
        cookie = elsewhere.get_cookie("gridstress")
    assert cookie is not None
    browser.set_cookie("gridstress", cookie.value)
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize(
    "after",
    ["//evil.org", "https://evil.org", "/\\evil.org", "/\t/evil.org", "/login", "/logout", ""],
)
def test_a_log_in_leads_nowhere_else(browser: FlaskClient, after: str) -> None:
    answer = browser.post("/login", query_string={"next": after}, data={"token": TOKEN})
    assert answer.location == "/"


def test_wrong_tokens_are_refused_and_then_have_to_wait(
    browser: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(TRIES):
        answer = log_in(browser, "a-guess-of-somebody")
        assert answer.status_code == 401
    answer = log_in(browser)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= TRIES_S
    assert browser.get("/").status_code == 302
    assert "a-guess-of-somebody" not in caplog.text
    assert any(record.levelno == logging.WARNING for record in caplog.records)


def test_a_huge_log_in_is_refused(browser: FlaskClient) -> None:
    assert log_in(browser, TOKEN + " " * 5000).status_code == 401


def test_after_a_minute_one_may_try_again() -> None:
    now = [100.0]
    tries = Tries(lambda: now[0])
    for _ in range(TRIES):
        assert tries.wait_s("a") == 0
        tries.wrong("a")
    assert tries.wait_s("a") == TRIES_S
    assert tries.wait_s("b") == 0
    now[0] += TRIES_S + 1
    assert tries.wait_s("a") == 0
    tries.wrong("a")
    assert tries.wait_s("a") == 0


def test_the_log_in_page_allows_no_script_and_no_frame(browser: FlaskClient) -> None:
    answer = browser.get("/login")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"<script" not in answer.data


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8050", 200), ("localhost", 200), ("[::1]:8050", 200), ("evil.org:8050", 421)],
)
def test_without_a_token_only_loopbacks_own_names_are_answered(host: str, status: int) -> None:
    with literal_api() as api:
        app = create_dashboard(Poller(ApiClient(api.url)))
        refuse_other_names(app)
        assert app.server.test_client().get("/", headers={"Host": host}).status_code == status
