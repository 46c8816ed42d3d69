"""The system page in a real browser."""

import pytest

from tests.browser import boxes, expect, still
from tests.ui.literal_api import worker

pytestmark = pytest.mark.browser


@pytest.fixture
def system(open_page):
    page = open_page("/system")
    expect(page.locator("#system-workers")).to_have_text("1")
    return page


def test_workers_partitions_and_settings_are_shown(system):
    expect(system.locator("#system-refused-detail")).to_have_text("invalid 2 · unknown zone 1")
    expect(system.locator("#system-workers-table tbody tr")).to_have_count(1)
    expect(system.locator("#system-workers-table tbody")).to_contain_text("faust 0.15.3")
    expect(system.locator(".topic")).to_have_count(2)
    expect(system.locator("#system-settings")).to_contain_text("GRIDSTRESS_BROKER")


def test_a_worker_that_falls_silent_is_told_in_words(system, api):
    now = api.answers["system"]["now"]
    silent = worker("host:6067", now - 20) | {"partitions": {"grid_measurements": [2, 3]}}
    api.answers["system"]["workers"].append(silent)
    expect(system.locator("#system-workers-detail")).to_have_text("1 silent worker")
    expect(system.locator("#system-workers-table .state-bad")).to_have_text("silent for 20 s")
    expect(system.locator("#system-partitions")).to_contain_text("reports partition 2, 3.")


def test_the_settings_can_be_searched_by_what_they_mean(system):
    rows = system.locator("#system-settings .ag-center-cols-container .ag-row")
    expect(rows).to_have_count(3)
    system.locator("#system-search").fill("bootstrap")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("GRIDSTRESS_BROKER")
    system.locator("#system-search").fill("nothing of the kind")
    expect(system.locator("#system-settings")).to_contain_text("No such setting.")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_all_panels_fit_the_window_and_keep_their_size(system, api, width, height):
    system.set_viewport_size({"width": width, "height": height})
    before = still(system, lambda: boxes(system, ".panel, .kpi"))
    assert all(box["x"] + box["width"] <= width for box in before)
    assert all(box["y"] + box["height"] <= height for box in before)
    now = api.answers["system"]["now"]
    api.answers["system"]["workers"] = [worker(f"host:{6066 + n}", now) for n in range(8)]
    expect(system.locator("#system-workers")).to_have_text("8")
    assert still(system, lambda: boxes(system, ".panel, .kpi")) == before


def test_it_is_readable_on_a_phone(system):
    system.set_viewport_size({"width": 390, "height": 844})
    for box in still(system, lambda: boxes(system, ".panel, .kpi")):
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
