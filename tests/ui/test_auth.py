import pytest

from topology.errors import UsageError
from ui.auth import (
    authorization,
    bearer,
    is_loopback,
    refuse_exposed,
    refuse_write,
    same_token,
)

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_loopback_is_reached_from_this_machine_only(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.7", "::ffff:10.0.0.7", "localhost.evil.org", "host"]
)
def test_everything_else_may_be_reached_by_others(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("bind", ["", "0.0.0.0", "192.168.1.4"])
def test_listening_for_others_without_a_token_is_refused(bind: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_exposed("the API", bind, "WEB_BIND", token="", insecure=False)
    assert "WEB_BIND" in str(caught.value)
    assert "GRIDSTRESS_API_TOKEN" in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("bind", "token", "insecure"),
    [("127.0.0.1", "", False), ("0.0.0.0", TOKEN, False), ("0.0.0.0", "", True)],
)
def test_loopback_a_token_or_plain_words_allow_it(bind: str, token: str, insecure: bool) -> None:
    refuse_exposed("the API", bind, "WEB_BIND", token=token, insecure=insecure)


@pytest.mark.parametrize("given", ["", "correct-horse", TOKEN + "x", TOKEN.upper(), "ü\udce9"])
def test_nothing_but_the_token_is_the_token(given: str) -> None:
    assert same_token(TOKEN, TOKEN)
    assert not same_token(given, TOKEN)


def test_the_header_that_is_sent_is_the_one_that_is_read() -> None:
    assert bearer(authorization(TOKEN)["Authorization"]) == TOKEN
    assert authorization("") == {}


@pytest.mark.parametrize("header", [None, "", "Bearer", f"Basic {TOKEN}", TOKEN])
def test_other_headers_bring_no_token(header: str | None) -> None:
    assert bearer(header) == ""


FINE = {"Host": "127.0.0.1:6066", "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Host": "localhost:6066"},
        {"Host": "[::1]:6066"},
        {"Origin": "http://127.0.0.1:6066"},
        {"Origin": "http://localhost:8050"},
        {"Origin": "http://[::1]:8050"},
    ],
)
def test_this_machine_and_its_own_pages_may(changed: dict[str, str]) -> None:
    assert refuse_write("127.0.0.1", FINE | changed, (8050,)) == ""
    assert refuse_write("::1", FINE | changed, (8050,)) == ""


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"Host": "grid.example.org"}, "this machine"),
        ({"Host": ""}, "this machine"),
        ({"Host": "[::1"}, "this machine"),
        ({"Origin": "null"}, "other sites"),
        ({"Origin": "http://127.0.0.1:9999"}, "other sites"),
        ({"Origin": "http://127.0.0.1:8050.example.org"}, "other sites"),
        ({"Origin": "http://example.org:8050"}, "other sites"),
        ({"Origin": "https://127.0.0.1:8050"}, "other sites"),
        ({"Origin": "http://127.0.0.1:port"}, "other sites"),
        ({"Content-Type": "text/plain"}, "application/json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "application/json"),
        ({"Content-Type": ""}, "application/json"),
        ({"X-Forwarded-For": "127.0.0.1"}, "proxy"),
        ({"Forwarded": "for=192.0.2.1"}, "proxy"),
    ],
)
def test_others_may_not(changed: dict[str, str], says: str) -> None:
    assert says in refuse_write("127.0.0.1", FINE | changed, (8050,))


@pytest.mark.parametrize("peer", ["192.0.2.1", "", None, "0.0.0.0", "::ffff:192.0.2.1"])
def test_no_other_machine_may(peer: str | None) -> None:
    assert "this machine" in refuse_write(peer, FINE)
