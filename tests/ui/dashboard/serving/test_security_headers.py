import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.ui.literal_api import literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.dashboard import create_dashboard


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    with literal_api() as api:
        yield create_dashboard(Poller(ApiClient(api.url))).server.test_client()


def policy_of(client: FlaskClient) -> dict[str, list[str]]:
    policy = client.get("/").headers["Content-Security-Policy"]
    return {part.split()[0]: part.split()[1:] for part in policy.split("; ")}


def test_scripts_are_ours_or_named_by_their_hash(client: FlaskClient) -> None:
    scripts = policy_of(client)["script-src"]
    assert scripts[0] == "'self'"
    assert not any("unsafe" in word for word in scripts)
    page = re.sub(r"<!--.*?-->", "", client.get("/").text, flags=re.DOTALL)
    inline = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    # Dash's settings are data (application/json): they are not run.
    run = [text for text in inline if text.strip() and not text.lstrip().startswith("{")]
    assert run
    for text in run:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in scripts


def test_nothing_comes_from_elsewhere_and_nobody_frames_the_page(client: FlaskClient) -> None:
    policy = policy_of(client)
    assert policy["default-src"] == ["'self'"]
    for name in ("object-src", "base-uri", "frame-ancestors"):
        assert policy[name] == ["'none'"]


@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/assets/gridstress.css", "/nonesuch"])
def test_every_answer_has_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]


def test_pages_and_values_are_not_kept_by_caches(client: FlaskClient) -> None:
    for path in ("/", "/_dash-layout"):
        assert client.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/assets/../app.py", "/assets/..%2f..%2fsetup.cfg", "/assets/%2e%2e/dashboard/app.py",
     "/_dash-component-suites/dash/../../etc/passwd",
     "/_dash-component-suites/dash/%2e%2e/dash.py"],
)  # fmt: skip
def test_no_path_leads_out_of_the_assets(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert b"create_dashboard" not in answer.data
    assert b"root:" not in answer.data
    assert b"import " not in answer.data
