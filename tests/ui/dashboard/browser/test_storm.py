"""The page that fits into a mail, opened from a file in a real browser."""

from pathlib import Path

import pytest

from gridstress.archive.reading import ArchivedRun, archived_folder
from gridstress.archive.storm import Storm, write_storm
from gridstress.settings import Settings
from tests.gridstress.archive.test_past import frames_of
from tests.support.archives import archive_in, record_of, topics_of
from tests.support.browser import expect, until
from tests.support.frames import hour_s
from tests.ui.dashboard.browser.test_accessibility import faults
from topology.grid import Grid

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium, triangle: Grid, tmp_path: Path):
    settings = Settings(partitions=2, size_s=3 * 3600, archive_dir=tmp_path / "archive")
    records = topics_of(frames_of(triangle, 60), triangle, settings, record_of(triangle, settings))
    archive_in(settings.archive_dir, records, settings.model_names)
    run = ArchivedRun(archived_folder(settings.archive_dir, "r"))
    write_storm(tmp_path / "s.html", Storm(run, triangle, settings, hour_s(8), hour_s(50)))
    found = chromium.new_page()
    found.complaints, found.asked = [], []
    found.on("console", lambda said: found.complaints.append(said.text))
    found.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.on("request", lambda request: found.asked.append(request.url))
    found.goto((tmp_path / "s.html").as_uri())
    yield found
    assert (found.complaints, len(found.asked)) == ([], 1)
    found.close()


def test_it_moves_by_itself_and_stays_when_it_is_told_to(page):
    began = page.locator("#when").inner_text()
    until(lambda: page.locator("#when").inner_text() != began, 5)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#play")).to_have_text("Play")
    page.get_by_role("button", name="alarm ▶").click()
    expect(page.locator("#alarms")).not_to_have_text("no open alarm")
    page.locator("#rows button").first.click()
    name = page.locator("#rows button").first.inner_text()
    expect(page.locator("#node-now")).to_contain_text(name)
    expect(page.locator("#node-now")).to_contain_text("% of rating")
    page.locator("#time").focus()
    before = page.locator("#when").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#when")).not_to_have_text(before)


def test_both_models_light_and_dark_have_no_serious_fault(page):
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="alarm ▶").click()
    assert faults(page) == []
    page.get_by_role("button", name="Centrality-based").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_class("dark")
    assert faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
