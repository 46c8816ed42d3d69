"""The system page in a real browser."""

import pytest

pytest.importorskip("playwright")

from tests.ui.literal_api import worker
from tests.ui.test_browser import address, api, browser, expect  # noqa: F401

pytestmark = pytest.mark.browser


@pytest.fixture
def served(request):
    """The API whose answers a test changes."""
    return request.getfixturevalue("api")


@pytest.fixture
def system(request):
    """The system page, with all that it complained about."""
    url = request.getfixturevalue("address")
    page = request.getfixturevalue("browser").new_page(viewport={"width": 1280, "height": 800})
    page.complaints = []
    page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"{url}/system")
    expect(page.locator("#system-workers")).to_have_text("1")
    yield page
    page.close()


def test_workers_partitions_and_settings_are_shown(system):
    expect(system.locator("#system-refused-detail")).to_have_text("invalid 2 · unknown zone 1")
    expect(system.locator("#system-workers-table tbody tr")).to_have_count(1)
    expect(system.locator("#system-workers-table tbody")).to_contain_text("faust 0.15.3")
    expect(system.locator(".topic")).to_have_count(2)
    expect(system.locator("#system-settings")).to_contain_text("GRIDSTRESS_BROKER")
    assert system.complaints == []


def test_a_worker_that_falls_silent_is_told_in_words(system, served):
    now = served.answers["system"]["now"]
    silent = worker("host:6067", now - 20) | {"partitions": {"grid_measurements": [2, 3]}}
    served.answers["system"]["workers"].append(silent)
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
def test_all_panels_fit_the_window_and_keep_their_size(system, served, width, height):
    system.set_viewport_size({"width": width, "height": height})
    panels = system.locator(".panel, .kpi")
    before = [panel.bounding_box() for panel in panels.all()]
    assert all(box["x"] + box["width"] <= width for box in before)
    assert all(box["y"] + box["height"] <= height for box in before)
    now = served.answers["system"]["now"]
    served.answers["system"]["workers"] = [worker(f"host:{6066 + n}", now) for n in range(8)]
    expect(system.locator("#system-workers")).to_have_text("8")
    assert [panel.bounding_box() for panel in panels.all()] == before


def test_it_is_readable_on_a_phone(system):
    system.set_viewport_size({"width": 390, "height": 844})
    for panel in system.locator(".panel, .kpi").all():
        box = panel.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
