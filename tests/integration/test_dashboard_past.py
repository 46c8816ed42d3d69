"""Yesterday's runs in today's dashboard: a new broker, a new worker, and the archive's files."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gridstress.datasets.catalog import open_load
from gridstress.replay.schedule import Schedule
from tests.integration.dashboards import drawn_risks, serve_dashboard
from tests.integration.harness import Stack
from tests.support.archives import archive_in, record_of, topics_of
from tests.support.browser import expect, trace, until, watched_pages
from topology.clock import to_datetime
from topology.loaders import load_grid

pytestmark = pytest.mark.browser

Ask = Callable[..., Any]
BEGIN_S = 1_736_208_000
"""7 January 2025, a tense week."""


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        grid, settings = load_grid("germany"), running.settings
        days = to_datetime(BEGIN_S), to_datetime(BEGIN_S + 8 * 86_400)
        series = open_load("synthetic").between(*days)
        frames = list(Schedule(series, grid, "yesterday").frames(24))
        record = record_of(grid, settings, "yesterday", state="ended", ended=days[1])
        home = running.directory / ".gridstress/archive"
        archive_in(home, topics_of(frames, grid, settings, record), settings.model_names)
        running.add_worker()
        yield running


@pytest.fixture(scope="module")
def address(stack: Stack) -> str:
    return serve_dashboard(stack)[0]


@pytest.fixture
def open_page(chromium: Any, address: str) -> Iterator[Ask]:
    with watched_pages(chromium, address) as opener:
        yield opener


def test_the_last_archived_run_is_shown_and_beside_a_new_one_is_in_the_chooser(
    stack: Stack, open_page: Ask
) -> None:
    page = open_page()
    expect(page.locator("#status-title")).to_have_text("Archived run")
    expect(page.locator("#run")).to_have_text("run yesterday")
    state = stack.workers[0].get("state", run="yesterday")
    risks = dict(zip(state["nodes"], state["risk"], strict=True))
    until(lambda: drawn_risks(page) == pytest.approx(risks, abs=1e-3))

    expect(open_page("/alarms").locator(".ag-row").first).to_be_visible()
    node = open_page("/node/ottenhofen")
    until(lambda: len(trace(node, "node-history", "Linear attenuation", "y") or ()) == 168)
    compare = open_page("/compare")
    expect(compare.locator("#compare-history-note")).to_contain_text("final windows")
    until(lambda: "still to compare" not in compare.locator("#compare-history-note").inner_text())

    day = ("--start", "2025-01-07", "--until", "2025-01-08", "--speed", "max")
    assert stack.command("replay", "--run", "today", *day).returncode == 0
    page = open_page()
    expect(page.locator("#run")).to_have_text("run today")
    page.locator("#run-pick").click()
    page.get_by_role("option", name="yesterday, archived").click()
    expect(page.locator("#status-title")).to_have_text("Archived run")
    expect(page.locator("#run")).to_have_text("run yesterday")
