"""The dashboard of a literal API in the browser: a fresh one for each test, at one address."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridstress.settings_reference import setting_meanings
from tests.support.browser import watched_pages
from tests.support.wsgi import served
from tests.ui.literal_api import LiteralApi, answers, literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.dashboard import create_dashboard


class Stage:
    """A server that stays while applications come and go: Chromium knows its scripts already."""

    def __init__(self) -> None:
        self.application: Any = None
        self.url = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self.application(environ, start_response)
        return answer


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    found = Stage()
    with served(found, threads=8) as found.url:
        yield found


@pytest.fixture
def api() -> Iterator[LiteralApi]:
    """A worker's API whose answers a test changes; it goes on publishing."""
    with literal_api(found=answers(published_at=time.time()), live=True) as server:
        yield server


@pytest.fixture
def poller(api: LiteralApi) -> Iterator[Poller]:
    """Has asked once, of whatever ``api`` is in the module."""
    made = Poller(ApiClient(api.url))
    made.poll()
    yield made
    made.stop()


@pytest.fixture
def address(api: LiteralApi, stage: Stage, tmp_path: Path) -> Iterator[str]:
    """The dashboard of that API; reports lie in ``tmp_path``.

    It asks twice as often as its pages do. These ask once a second, as in earnest: each question
    takes a tenth of a second of processor time, and most tests wait for none.
    """
    poller = Poller(ApiClient(api.url), interval_s=0.5)
    stage.application = create_dashboard(
        poller, reports=tmp_path, meanings=setting_meanings(), refresh_s=1.0
    ).server
    poller.start()
    yield stage.url
    poller.stop()


@pytest.fixture
def open_page(chromium: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens pages of the dashboard that must not complain."""
    with watched_pages(chromium, address) as opener:
        yield opener
