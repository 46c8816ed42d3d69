"""A real Chromium for tests, pictures and measurements, and pages that tell of every complaint."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.harness.browser import CHROMIUM, FLAGS

try:
    from playwright.sync_api import BrowserContext, expect, sync_playwright
except ImportError:
    sync_playwright = expect = None
else:
    # A machine that is busy with other things is slow, not wrong.
    expect.set_options(timeout=60_000)

PATIENCE_S = 60.0

_lent: asyncio.AbstractEventLoop | None = None
"""The loop of the Chromium that is open, while other tests run."""


@contextmanager
def loop(*, wanted: bool) -> Iterator[None]:
    """Playwright's loop counts as the running one inside the block only if it is wanted there.

    Its synchronous interface leaves its loop marked as running in the thread for as long as a
    browser is open. No other loop, so no asynchronous test, could run beside it.
    """
    global _lent
    if wanted and _lent:
        asyncio._set_running_loop(_lent)
    try:
        yield
    finally:
        if wanted:
            _lent = asyncio._get_running_loop()
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator["BrowserContext"]:
    """One Chromium for all tests; it keeps compiled scripts, which halves the time of a page."""
    profile: Path = tmp_path_factory.mktemp("profile")
    playwright = sync_playwright().start()
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=FLAGS
    )
    context.set_default_timeout(1000 * PATIENCE_S)
    context.add_init_script(KEEP_ROOTS)
    yield context
    # The last test may be one of another kind: the loop is not marked as running then.
    with loop(wanted=True):
        _tabs.clear()
        context.close()
        playwright.stop()


KEEP_ROOTS = """(() => {
  const roots = window.reactRoots = [];
  window.plainFetch = window.fetch;
  let library;
  Object.defineProperty(window, "ReactDOM", {
    set: (value) => { library = value; },
    get: () => {
      const make = library && library.createRoot;
      if (make && !library.kept) {
        library.kept = true;
        library.createRoot = (...given) => {
          const root = make(...given);
          roots.push(root);
          return root;
        };
      }
      return library;
    },
  });
})()"""
"""Keeps what a page changes for good, so that a test can take it away: React's roots and fetch."""

EMPTY = """() => {
  window.fetch = () => new Promise(() => {});
  for (const root of (window.reactRoots || []).splice(0)) root.unmount();
  (window.dash_stores || []).length = 0;
  localStorage.clear();
  sessionStorage.clear();
  scrollTo(0, 0);
}"""
"""Takes the page away, with all it remembers; the document and its scripts stay.

Callbacks that Dash has deferred send no request: their answer would reach the next test's page."""

AGAIN = """async path => {
  const old = document.getElementById("react-entry-point");
  const fresh = document.createElement("div");
  fresh.id = old.id;
  old.replaceWith(fresh);
  Object.keys(window).filter((name) => name.startsWith("gridstress"))
    .forEach((name) => delete window[name]);
  window.fetch = window.plainFetch;
  await Promise.all([...document.querySelectorAll("script[src*='/assets/']")].map((ours) =>
    new Promise((loaded, failed) => {
      const again = document.createElement("script");
      Object.assign(again, { src: ours.src, async: false, onload: loaded, onerror: failed });
      ours.replaceWith(again);
    })));
  history.pushState(null, "", path);
  window.renderer = new DashRenderer();
}"""
"""Starts our own scripts and Dash anew, as loading the document does: they remember nothing."""

LEFT_MEANWHILE = "Cannot patch undefined"
"""What Dash says of an answer whose page was left while it was under way."""

_tabs: list[Any] = []
"""Tabs of the one Chromium that no test uses; most have an empty document of a dashboard."""


def _tab(chromium: "BrowserContext") -> Any:
    """A tab that notes what its page complains of and asks for."""
    if _tabs:
        return _tabs.pop()
    tab = chromium.new_page()
    tab.pending = 0

    def asks(request: Any) -> None:
        tab.asked.append(request.url)
        tab.pending += 1

    def has_answer(_: Any) -> None:
        tab.pending -= 1

    def complains(message: Any) -> None:
        if message.type == "error" and LEFT_MEANWHILE not in message.text:
            tab.complaints.append(message.text)

    tab.on("console", complains)
    tab.on("pageerror", lambda error: tab.complaints.append(error.stack or str(error)))
    tab.on("request", asks)
    tab.on("requestfinished", has_answer)
    tab.on("requestfailed", has_answer)
    return tab


def _show(tab: Any, address: str, path: str) -> None:
    """Open a page: in the document that is there if it is of this address, which takes half the
    processor time of loading all scripts again."""
    if tab.url.startswith(f"{address}/"):
        tab.evaluate(AGAIN, path)
    else:
        tab.goto(address + path)


def _leave(tab: Any, address: str) -> None:
    """Take the page away and wait until nothing of it is under way."""
    tab.evaluate(EMPTY)
    if not tab.url.startswith(f"{address}/"):
        tab.goto("about:blank")
    end = time.monotonic() + PATIENCE_S
    while tab.pending > 0:
        assert time.monotonic() < end, "a request of the page gets no answer"
        tab.wait_for_timeout(10)


@contextmanager
def watched_pages(chromium: "BrowserContext", address: str) -> Iterator[Callable[..., Any]]:
    """Open pages of the dashboard at ``address``: ``open_page(path, width, height, scheme)``.

    At the end they are left and forgotten, and the test fails if one of them has complained
    (``page.complaints``, which a test that provokes some empties) or asked another host.
    """
    pages: list[Any] = []

    def open_page(
        path: str = "/", width: int = 1280, height: int = 800, scheme: str = "light"
    ) -> Any:
        page = _tab(chromium)
        page.complaints, page.asked = [], []
        page.bring_to_front()  # behind another tab nothing is drawn
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        pages.append(page)
        _show(page, address, path)
        return page

    try:
        yield open_page
    finally:
        found = [(page.complaints, page.asked) for page in pages]
        for page in pages:
            _leave(page, address)
        _tabs.extend(pages)
    ours = (address, "data:", "blob:", "about:")
    complaints = [text for said, _ in found for text in said]
    assert not complaints, "\n".join(complaints)
    elsewhere = [url for _, asked in found for url in asked if not url.startswith(ours)]
    assert not elsewhere, elsewhere


def until(question: Callable[[], Any], deadline_s: float = PATIENCE_S) -> None:
    """Ask until the answer is truthy; fail with the last one after the deadline."""
    end = time.monotonic() + deadline_s
    while not (answer := question()):
        assert time.monotonic() < end, f"the page did not come to it in time: {answer!r}"
        time.sleep(0.05)


def address_has(page: Any, part: str) -> None:
    """Wait until a page's address has this part.

    ``page.url`` alone would not do: it is as old as the last question to the browser.
    """
    expect(page).to_have_url(re.compile(re.escape(part)))


def address_ends(page: Any, end: str) -> None:
    """Wait until a page's address ends so."""
    expect(page).to_have_url(re.compile(re.escape(end) + "$"))


def still(page: Any, question: Callable[[], Any], deadline_s: float = PATIENCE_S) -> Any:
    """The answer, once the page has drawn thirty frames without changing it."""
    end = time.monotonic() + deadline_s
    while True:
        before = question()
        page.evaluate(
            "() => new Promise(done => { let left = 30;"
            " const next = () => left-- ? requestAnimationFrame(next) : done();"
            " next(); })"
        )
        if (answer := question()) == before:
            return answer
        assert time.monotonic() < end, f"the page did not come to rest: {answer!r}"


def resize(page: Any, width: int, height: int) -> None:
    """Give the window another size, and wait until the page has it."""
    page.set_viewport_size({"width": width, "height": height})
    until(lambda: page.evaluate("() => [innerWidth, innerHeight]") == [width, height])


def fits(page: Any, selector: str, width: int, height: float = float("inf")) -> list[Any]:
    """The `boxes` of what is selected, at rest; fails if one is not wholly in the window."""
    found = still(page, lambda: boxes(page, selector))
    assert all(0 <= box["x"] <= box["x"] + box["width"] <= width for box in found), found
    assert all(box["y"] + box["height"] <= height for box in found), found
    return found


def boxes(page: Any, selector: str) -> list[dict[str, float]]:
    """Where the elements are, px, all at the same moment."""
    found: list[dict[str, float]] = page.evaluate(
        "selector => Array.from(document.querySelectorAll(selector))"
        ".filter(e => e.offsetParent)"
        ".map(e => { const b = e.getBoundingClientRect();"
        " return { x: b.x, y: b.y, width: b.width, height: b.height }; })",
        selector,
    )
    return found


def trace(page: Any, graph: str, name: str | int, field: str) -> list[Any] | None:
    """A field of a trace (by name or place) of a graph, as the browser draws it now, or None."""
    found: list[Any] | None = page.evaluate(
        "([id, name, field]) => {"
        " const plot = document.querySelector(`#${id} .js-plotly-plot`);"
        " const traces = (plot && plot._fullData) || [];"
        " const trace = typeof name === 'number' ? traces[name]"
        "   : traces.find(t => t.name === name);"
        " const found = trace && field.split('.').reduce((o, k) => o && o[k], trace);"
        " return found ? Array.from(found) : null; }",
        [graph, name, field],
    )
    return found


def x_range(page: Any, graph: str) -> list[float] | None:
    """The part of the horizontal axis that a graph shows now, None before it is drawn."""
    found: list[float] | None = page.evaluate(
        "id => { const plot = document.querySelector(`#${id} .js-plotly-plot`);"
        " return plot && plot._fullLayout ? plot._fullLayout.xaxis.range.slice() : null; }",
        graph,
    )
    return found
