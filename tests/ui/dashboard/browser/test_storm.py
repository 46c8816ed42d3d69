"""The page that fits into a mail, opened from a file in a real browser."""

from contextlib import contextmanager
from dataclasses import replace
from math import inf
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
from topology.messages import MeasurementFrame

pytestmark = pytest.mark.browser


@contextmanager
def opened(chromium, grid: Grid, frames: list[MeasurementFrame], tmp_path: Path):
    """The page of a storm on a grid; it must not complain, nor ask for anything else."""
    settings = Settings(partitions=2, size_s=3 * 3600, archive_dir=tmp_path / "archive")
    records = topics_of(frames, grid, settings, record_of(grid, settings))
    archive_in(settings.archive_dir, records, settings.model_names)
    run = ArchivedRun(archived_folder(settings.archive_dir, "r"))
    write_storm(tmp_path / "s.html", Storm(run, grid, settings, hour_s(8), hour_s(50)))
    found = chromium.new_page()
    found.complaints, found.asked = [], []
    found.on("console", lambda said: found.complaints.append(said.text))
    found.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.on("request", lambda request: found.asked.append(request.url))
    found.goto((tmp_path / "s.html").as_uri())
    yield found
    assert (found.complaints, len(found.asked)) == ([], 1)
    found.close()


@pytest.fixture
def page(chromium, triangle: Grid, tmp_path: Path):
    with opened(chromium, triangle, frames_of(triangle, 60), tmp_path) as found:
        yield found


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


def test_a_node_without_load_is_drawn_and_said_to_have_none(
    chromium, triangle: Grid, tmp_path: Path
):
    *others, last = triangle.nodes
    without = replace(last, share=0.0, rating_mw=inf)
    grid = replace(triangle, nodes=(*others, without))
    idle = replace(triangle, nodes=(*others, replace(last, rating_mw=1e-12)))
    with opened(chromium, grid, frames_of(idle, 60), tmp_path) as page:
        page.get_by_role("button", name="Pause").click()
        page.locator("#time").focus()
        page.keyboard.press("End")
        page.locator("#pick").select_option(str(len(grid.nodes) - 1))
        expect(page.locator("#node-now")).to_contain_text(f"{last.name}, zone {last.zone}: no load")
