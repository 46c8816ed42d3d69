"""What can be shared of the overview: zone, part of the map, theme; and the view for a wall."""

import pytest

from tests.support.browser import expect, still, trace, until, x_range
from ui.dashboard.figures.map_nodes import FAINT

pytestmark = pytest.mark.browser


def node_trace(page, field):
    return trace(page, "map", "nodes", field)


def map_range(page):
    return x_range(page, "map")


def address_of(page):
    return page.evaluate("() => location.pathname + location.search")


def test_a_zone_filters_the_page_and_is_in_the_address_that_share_copies(open_page):
    page = open_page("/?zone=TenneT")
    expect(page.locator("#zone input:checked")).to_have_attribute("value", "TenneT")
    expect(page.locator("#top .ag-row")).to_have_count(1)
    expect(page.locator("#timeline-empty")).to_contain_text("in TenneT")
    until(lambda: node_trace(page, "marker.opacity") == [1, FAINT, FAINT])
    page.locator("#zone").get_by_text("TransnetBW 1 H").click()
    expect(page.locator("#top .ag-row").first).to_contain_text("99 %")
    until(lambda: "zone=TransnetBW" in address_of(page))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#share").click()
    expect(page.locator("#share")).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url
    page.locator("#zone").get_by_text("All zones").click()
    expect(page.locator("#top .ag-row")).to_have_count(3)
    until(lambda: "zone=" not in address_of(page))


def test_the_part_of_the_map_and_the_theme_are_shared(open_page):
    page = open_page()
    until(lambda: node_trace(page, "customdata"))
    page.locator("#map").hover()
    before = map_range(page)
    page.mouse.wheel(0, -400)
    until(lambda: map_range(page) != before)
    until(lambda: "map=" in address_of(page))
    page.locator("#scheme").click()
    until(lambda: "theme=dark" in address_of(page))
    shown = still(page, lambda: map_range(page))
    other = open_page(address_of(page))
    until(lambda: map_range(other) == pytest.approx(shown, abs=0.01))
    scheme = "() => document.documentElement.getAttribute('data-mantine-color-scheme')"
    until(lambda: other.evaluate(scheme) == "dark")


def test_a_wall_shows_alarms_map_and_ranking_large_and_no_controls(open_page):
    page = open_page("/?wall=1", width=1920, height=1080)
    expect(page.locator("#alarm-bar")).to_contain_text("1 HIGH")
    for hidden in ("#nav", "#view", "#time-play", "#zone", "#replay-box", ".node-panel"):
        expect(page.locator(hidden)).to_be_hidden()
    until(lambda: page.locator("#map").bounding_box()["height"] > 400)
    expect(page.locator("#top .ag-row").first).to_contain_text("Wendlingen")
    box = page.locator("#time-strip").bounding_box()
    assert box["y"] + box["height"] <= 1080
    assert page.evaluate("() => document.documentElement.scrollHeight") <= 1080
