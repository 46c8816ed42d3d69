"""The dashboard while a run goes on: a real worker, a real broker, a real browser."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from gridstress.local import processes
from tests.integration.dashboards import drawn_risks, serve_dashboard
from tests.integration.harness import Stack, wait_for
from tests.support.browser import expect, still, until, watched_pages, x_range

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

TABS = ["/", "/compare", "/node/ottenhofen", "/alarms", "/system"] * 2
TABS_S = 60
"""How long the tabs stay open."""

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A worker, and a run that goes on behind all tests: two steps a second."""
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        worker = running.add_worker()
        span = ["--start", "2025-01-07", "--speed", "7200"]
        running.start("replay", "--run", "synthetic-going", *span)
        wait_for(lambda: worker.get("runs")["runs"], "the run has begun")
        yield running


@pytest.fixture(scope="module")
def dashboard(stack: Stack) -> tuple[str, processes.Service]:
    return serve_dashboard(stack)


@pytest.fixture
def open_page(chromium: Any, dashboard: tuple[str, Any]) -> Iterator[Ask]:
    with watched_pages(chromium, dashboard[0]) as opener:
        yield opener


@pytest.fixture
def ask(stack: Stack) -> Ask:
    """Asks the worker itself, past the dashboard."""
    return stack.workers[0].get


def clock(page: Any) -> str:
    text: str = page.locator("#kpi-time").inner_text()
    return text


def test_zoom_survives_updates(open_page: Ask) -> None:
    page = open_page()
    expect(page.locator("#status-title")).to_have_text("Live")
    until(lambda: drawn_risks(page))
    before = x_range(page, "map")
    page.locator("#map").hover()
    page.mouse.wheel(0, -400)
    until(lambda: x_range(page, "map") != before)
    zoomed = still(page, lambda: x_range(page, "map"))
    times = {clock(page)}
    until(lambda: times.add(clock(page)) or len(times) > 4, 120)
    assert x_range(page, "map") == zoomed


def test_a_moment_holds_while_the_data_go_on_and_live_catches_up(open_page: Ask, ask: Ask) -> None:
    page = open_page()
    expect(page.locator("#status-title")).to_have_text("Live")
    until(lambda: drawn_risks(page))
    expect(page.locator("#time-text")).to_have_text("live")
    page.locator("#time-play").click()
    expect(page.locator("#status-title")).to_have_text("A moment")
    detail = page.locator("#status-detail").inner_text()
    (held,) = re.findall(r"\w{3} \d\d \w{3} \d{4} \d\d:\d\d", detail)
    until(lambda: clock(page) == held)
    moment = parse_qs(urlsplit(page.evaluate("location.href")).query)["at"][0]
    then = ask("state", at=moment)
    risks = {n: round(r, 4) for n, r in zip(then["nodes"], then["risk"], strict=True)}
    until(lambda: drawn_risks(page) == risks)
    at = ask("state")["version"]
    until(lambda: ask("state")["version"] >= at + 5)
    assert clock(page) == held
    assert drawn_risks(page) == risks
    assert ask("state", at=moment)["risk"] == then["risk"]
    page.locator("#time-live").click()
    expect(page.locator("#status-title")).to_have_text("Live")
    until(lambda: clock(page) != held)


@pytest.mark.explore(only=True)
def test_many_tabs_do_not_make_the_dashboard_grow_or_fail(
    dashboard: tuple[str, processes.Service], open_page: Ask
) -> None:
    process = psutil.Process(dashboard[1].pid)
    pages = []
    for path in TABS:
        pages.append(open_page(path))
        # Chromium draws nothing in a tab that is behind others: let each draw before the next.
        expect(pages[-1].locator("#status-title")).to_have_text("Live")
        if path == "/":
            expect(pages[-1].locator("#kpi-time")).not_to_have_text("–")
            until(lambda page=pages[-1]: drawn_risks(page))
    before, used, start = process.memory_info().rss, cpu_s(process), clock(pages[0])
    pages[0].wait_for_timeout(1000 * TABS_S)
    after = process.memory_info().rss
    reported = f"{before / 1e6:.1f} MB became {after / 1e6:.1f} MB in {TABS_S:.0f} s"
    print(f"{reported}; {(cpu_s(process) - used) / TABS_S:.0%} of a core")  # noqa: T201
    assert after < before * 1.1, reported
    pages[0].bring_to_front()
    until(lambda: clock(pages[0]) != start)
    for page in pages:
        expect(page.locator("#root")).to_have_class("root")


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def test_a_worker_that_dies_is_shown_with_its_values_age_and_so_is_its_return(
    stack: Stack, open_page: Ask
) -> None:
    page = open_page()
    expect(page.locator("#status-title")).to_have_text("Live")
    until(lambda: drawn_risks(page))
    stack.workers[0].kill()
    expect(page.locator("#status-title")).to_have_text("Worker gone")
    expect(page.locator("#status-detail")).to_contain_text(re.compile(r"\d+ (s|min) old"))
    expect(page.locator("#root")).to_have_class("root stale")
    until(
        lambda: (
            page.evaluate("() => getComputedStyle(document.body.querySelector('#page')).filter")
            == "grayscale(1)"
        )
    )
    held, risks = still(page, lambda: clock(page)), drawn_risks(page)
    assert risks
    stack.workers[0].restart()
    expect(page.locator("#status-title")).to_have_text("Live", timeout=90_000)
    expect(page.locator("#root")).to_have_class("root")
    until(lambda: clock(page) != held, 60)
