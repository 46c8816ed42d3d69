"""Login where a token is set: a page that asks for it, and a signed cookie."""

import hashlib
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from html import escape
from threading import Lock
from urllib.parse import quote

from dash import Dash
from flask import Flask, Request, Response, redirect, request, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as AnyResponse

from ui.auth import ANOTHER_NAME, host_of, is_loopback, same_token

logger = logging.getLogger(__name__)

LOGIN, LOGOUT = "/login", "/logout"
STAYS = timedelta(days=1)
"""How long a browser is let in before it is asked again."""

TRIES = 5
TRIES_S = 60.0
"""So many wrong tokens from one address within so many seconds, then it has to wait."""

ADDRESSES = 10_000
"""Addresses that are remembered; then the oldest is forgotten."""

MAX_LOGIN_BYTES = 4096


class Tries:
    """Counts wrong tokens by address; may be used from several threads. ``clock`` gives s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, address: str) -> float:
        """How long the address has to wait before it may try again, s; 0 if it need not."""
        with self._lock:
            since, count = self._wrong.get(address, (0.0, 0))
        return max(0.0, since + TRIES_S - self._clock()) if count >= TRIES else 0.0

    def wrong(self, address: str) -> None:
        """Count a wrong token."""
        now = self._clock()
        with self._lock:
            since, count = self._wrong.get(address, (now, 0))
            if now - since > TRIES_S:
                since, count = now, 0
            self._wrong[address] = (since, count + 1)
            while len(self._wrong) > ADDRESSES:
                self._wrong.popitem(last=False)


def ask_for_token(app: Dash, token: str) -> None:
    """Let only those in who have given the token; the log-in page alone answers to all.

    To be called before the dashboard has served anything; ``token`` in plain text, not empty.
    """
    server: Flask = app.server
    app.index_string = app.index_string.replace("{%app_entry%}", "{%app_entry%}" + _LOGOUT_FORM)
    # From the token, so that a restart keeps every log-in and a new token ends them; scrypt, so
    # that a cookie does not help to guess it.
    server.secret_key = hashlib.scrypt(
        token.encode(), salt=b"gridstress dashboard session", n=1 << 14, r=8, p=1, dklen=32
    )
    server.config.update(
        SESSION_COOKIE_NAME="gridstress",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=STAYS,
    )
    server.session_interface = _Sessions()
    tries = Tries()

    @server.before_request
    def let_in() -> AnyResponse | None:
        if request.path == LOGIN or session.get("in"):
            return None
        wants_page = request.path == "/" or "text/html" in request.headers.get("Accept", "")
        if request.method == "GET" and wants_page:
            after = request.full_path.rstrip("?")
            return redirect(LOGIN if after == "/" else f"{LOGIN}?next={quote(after)}")
        return Response("log in first", 401, mimetype="text/plain")

    @server.get(LOGIN)
    def form() -> AnyResponse:
        after = _local(request.args.get("next"))
        return redirect(after) if session.get("in") else _page()

    @server.post(LOGIN)
    def log_in() -> AnyResponse:
        after = _local(request.args.get("next"))
        address = request.remote_addr or ""
        wait_s = tries.wait_s(address)
        if wait_s:
            answer = _page(f"Too many tries. Wait {wait_s:.0f} s.", 429)
            answer.headers["Retry-After"] = f"{wait_s:.0f}"
            return answer
        if not same_token(_given(request), token):
            tries.wrong(address)
            logger.warning("a wrong token at the log-in from %s", address)
            return _page("That is not the token.", 401)
        session.clear()
        session["in"] = True
        session.permanent = True
        return redirect(after, 303)

    @server.post(LOGOUT)
    def log_out() -> AnyResponse:
        session.clear()
        return redirect(LOGIN, 303)


def refuse_other_names(app: Dash) -> None:
    """Answer only to loopback's own names.

    A page of another site could else read a dashboard without a token, by a name of its own that
    it lets point to loopback.
    """
    server: Flask = app.server

    @server.before_request
    def named() -> Response | None:
        if is_loopback(host_of(f"//{request.headers.get('Host', '')}")):
            return None
        return Response(ANOTHER_NAME, 421, mimetype="text/plain")


class _Sessions(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:
        # Over HTTPS, as a proxy on this machine may say it was; plain HTTP would lose the cookie.
        return request.is_secure


def _given(asked: Request) -> str:
    if (asked.content_length or 0) > MAX_LOGIN_BYTES:
        return ""
    return asked.form.get("token", "").strip()


def _local(after: str | None) -> str:
    """Where to go after the log-in: a page of ours, whatever the address asked for."""
    found = after or "/"
    elsewhere = not found.startswith("/") or found.startswith(("//", "/\\", LOGIN, LOGOUT))
    return "/" if elsewhere or not found.isprintable() else found


_LOGOUT_FORM = f"""
<form method="post" action="{LOGOUT}" style="position: fixed; bottom: 4px; left: 50%">
<button style="font-size: 11px">Log out</button>
</form>
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gridstress: log in</title>
<style nonce="{nonce}">
:root {{ color-scheme: light dark; }}
body {{ font-family: system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; }}
form {{ display: grid; gap: 0.8rem; width: min(22rem, 90vw); }}
h1 {{ font-size: 1.3rem; margin: 0; }}
input, button {{ font: inherit; padding: 0.5rem; }}
p {{ margin: 0; min-height: 1.3em; }}
</style>
</head>
<body>
<main>
<form method="post">
<h1>gridstress</h1>
<label for="token">Token (GRIDSTRESS_API_TOKEN)</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password">
<button>Log in</button>
<p role="alert">{problem}</p>
</form>
</main>
</body>
</html>
"""


def _page(problem: str = "", status: int = 200) -> Response:
    nonce = secrets.token_urlsafe(16)
    answer = Response(_PAGE.format(nonce=nonce, problem=escape(problem)), status)
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return answer
