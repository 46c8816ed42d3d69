"""The dashboard as an operator has it: a real worker, a real broker, a real browser."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from gridstress import processes
from tests.integration.harness import Stack, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

CHROMIUM = shutil.which("chromium")
try:
    from playwright.sync_api import Browser, Page, expect, sync_playwright
except ImportError:
    pytest.skip("playwright is not installed: pip install playwright", allow_module_level=True)
if CHROMIUM is None:
    pytest.skip("there is no chromium: apt-get install chromium", allow_module_level=True)

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGES = ["/", "/compare", "/alarms", "/system", "/node/ottenhofen"]
TABS_S = float(os.environ.get("TABS_S", "20"))
"""How long ten tabs stay open."""


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        span = ["--start", "2025-01-07", "--until", "2025-01-10T19:00Z", "--speed", "max"]
        assert running.command("replay", "--run", "synthetic-week", *span).returncode == 0
        running.verify("synthetic-week")
        yield running


@pytest.fixture(scope="module")
def dashboard(stack: Stack) -> tuple[str, processes.Service]:
    port = processes.free_port()
    url = f"http://127.0.0.1:{port}"
    service = stack.start("ui", "--port", str(port), "--workers", stack.workers[0].url)
    wait_for(lambda: not processes.is_free(port), "the dashboard listens", 30)
    return url, service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def open_page(browser: Browser, url: str, errors: list[str]) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(url)
    return page


def test_the_overview_shows_what_the_worker_says(
    stack: Stack, dashboard: tuple[str, Any], browser: Browser
) -> None:
    errors: list[str] = []
    page = open_page(browser, dashboard[0], errors)
    (first, *_) = stack.workers[0].get("top", model="linear")["nodes"]
    expect(page.get_by_text(first["name"]).first).to_be_visible(timeout=20_000)
    expect(page.get_by_text(re.compile("Run ended")).first).to_be_visible(timeout=20_000)
    assert errors == []
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_without_an_error(
    dashboard: tuple[str, Any], browser: Browser, path: str
) -> None:
    errors: list[str] = []
    page = open_page(browser, dashboard[0] + path, errors)
    expect(page.locator("h1, h2").first).to_be_visible(timeout=20_000)
    page.wait_for_function("() => !document.title.startsWith('Updating')", timeout=20_000)
    assert errors == []
    page.close()


def test_ten_tabs_do_not_make_the_dashboard_grow_or_fail(
    dashboard: tuple[str, processes.Service], browser: Browser
) -> None:
    url, service = dashboard
    process = psutil.Process(service.pid)
    errors: list[str] = []
    pages = [open_page(browser, url + PAGES[i % len(PAGES)], errors) for i in range(10)]
    for page in pages:
        expect(page.locator("h1, h2").first).to_be_visible(timeout=30_000)
    before = process.memory_info().rss
    deadline = time.monotonic() + TABS_S
    while time.monotonic() < deadline:
        pages[0].wait_for_timeout(500)  # keeps playwright's own loop going
    after = process.memory_info().rss
    assert after < before * 1.1, f"{before / 1e6:.0f} MB became {after / 1e6:.0f} MB"
    assert errors == []
    for page in pages:
        page.close()


def test_a_worker_that_dies_is_shown_and_its_return_too(
    stack: Stack, dashboard: tuple[str, Any], browser: Browser
) -> None:
    page = open_page(browser, dashboard[0], [])
    expect(page.get_by_text(re.compile("Run ended")).first).to_be_visible(timeout=20_000)
    stack.workers[0].kill()
    expect(page.get_by_text(re.compile("Worker gone")).first).to_be_visible(timeout=30_000)
    stack.workers[0].restart()
    expect(page.get_by_text(re.compile("Run ended")).first).to_be_visible(timeout=60_000)
    page.close()
