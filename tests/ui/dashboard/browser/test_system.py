"""The system page in a real browser."""

import pytest

from tests.support.browser import address_ends, boxes, expect, fits, resize, still
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


def test_a_worker_that_falls_silent_is_put_in_words(system, api):
    now = api.answers["system"]["now"]
    silent = worker("host:6067", now - 20) | {"partitions": {"grid_measurements": [2, 3]}}
    api.answers["system"]["workers"].append(silent)
    expect(system.locator("#system-workers-detail")).to_have_text("1 silent worker")
    expect(system.locator("#system-workers-table .state-bad")).to_have_text("silent for 20 s")
    expect(system.locator("#system-partitions")).to_contain_text("reports partition 2, 3.")


def test_the_address_opens_the_settings_as_they_were_left(system, open_page):
    system.locator("#system-search").fill("window")
    address_ends(system, "/system?search=window")
    system.locator(".ag-header-cell[col-id=name]").click()
    address_ends(system, "/system?search=window&sort=name")
    other = open_page("/system?search=bootstrap&sort=-name")
    expect(other.locator("#system-search")).to_have_value("bootstrap")
    expect(other.locator("#system-settings .ag-center-cols-container .ag-row")).to_have_count(1)
    heading = other.locator("#system-settings .ag-header-cell[col-id=name]")
    expect(heading).to_have_attribute("aria-sort", "descending")


def test_the_settings_can_be_searched_by_what_they_mean(system):
    rows = system.locator("#system-settings .ag-center-cols-container .ag-row")
    expect(rows).to_have_count(3)
    system.locator("#system-search").fill("bootstrap")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("GRIDSTRESS_BROKER")
    system.locator("#system-search").fill("nothing of the kind")
    expect(system.locator("#system-settings")).to_contain_text("No such setting.")


def test_all_panels_fit_the_window_and_keep_their_size(system, api):
    sizes, everything = ((1920, 1080), (1280, 800)), ".panel, .kpi"
    before = {}
    for size in sizes:
        resize(system, *size)
        before[size] = fits(system, everything, *size)
    now = api.answers["system"]["now"]
    api.answers["system"]["workers"] = [worker(f"host:{6066 + n}", now) for n in range(8)]
    expect(system.locator("#system-workers")).to_have_text("8")
    for size in sizes:
        resize(system, *size)
        assert still(system, lambda: boxes(system, everything)) == before[size]
    resize(system, 390, 844)
    fits(system, everything, 390)
