"""The overview, and what all pages share, in a real browser."""

import time
from itertools import pairwise

import pytest

from tests.support.browser import boxes, expect, fits, resize, still, trace, until, x_range
from tests.ui.literal_api import alert
from ui.dashboard.figures.map_nodes import FOREMOST
from ui.dashboard.figures.map_updates import whole_map
from ui.dashboard.pages.overview import maps

pytestmark = pytest.mark.browser


@pytest.fixture
def watched(open_page):
    """The overview, with its first values."""
    page = open_page()
    expect(page.locator("#kpi-alarms")).to_have_text("1")
    until(lambda: node_trace(page, "marker.color") == [0, 0.31, 0.83])
    return page


def node_trace(page, field, graph="map"):
    return trace(page, graph, "nodes", field)


def map_range(page):
    return x_range(page, "map")


def test_the_page_shows_the_workers_values_and_asks_nobody_else(watched):
    expect(watched.locator("#kpi-affected")).to_have_text("2")
    expect(watched.locator("#kpi-time")).to_have_text("Tue 15 Jan 2019 18:00")
    expect(watched.locator("#status-title")).to_have_text("Live")
    expect(watched.locator("#origin")).to_have_text("synthetic data")
    expect(watched.locator("#top .ag-row").first).to_contain_text("Wendlingen")
    expect(watched.locator("#timeline-note")).to_contain_text("1 raised")
    expect(watched.get_by_text("not a probability.").first).to_be_visible()


def test_the_model_switch_changes_the_values(watched):
    watched.get_by_text("Centrality-based", exact=True).first.click()
    expect(watched.locator("#kpi-affected")).to_have_text("3")
    expect(watched.locator("#top .ag-row").first).to_contain_text("CRITICAL")
    until(lambda: node_trace(watched, "marker.color") == [0.12, 0.44, 0.95])


def test_zoom_and_selection_survive_updates(watched, api):
    watched.locator("#top .ag-row").first.click()
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    before = map_range(watched)
    watched.locator("#map").hover()
    watched.mouse.wheel(0, -400)
    until(lambda: map_range(watched) != before)
    zoomed = still(watched, lambda: map_range(watched))
    api.answers["state/linear"]["risk"] = [0.2, 0.6, 0.7]
    until(lambda: node_trace(watched, "marker.color") == [0.2, 0.6, 0.7])
    assert map_range(watched) == zoomed
    expect(watched.locator("#pick")).to_have_value("Wendlingen")
    expect(watched.locator("#top .ag-row.picked")).to_contain_text("Wendlingen")


def test_every_open_alarm_has_its_letter_after_every_update(watched, api):
    def letters():
        return sorted(watched.locator("#map .textpoint").all_text_contents())

    state = api.answers["state/linear"]
    for levels in (
        ["", "", ""],
        ["WARNING", "", "HIGH"],
        ["", "WARNING", ""],
        ["HIGH", "WARNING", "CRITICAL"],
        ["", "", "CRITICAL"],
    ):
        state["level"] = levels
        state["risk"] = [risk + 0.01 for risk in state["risk"]]
        until(lambda risk=state["risk"]: node_trace(watched, "marker.color") == rounded(risk))
        assert letters() == sorted(level[0] for level in levels if level)


def address_of(page):
    return page.evaluate("() => window.location.href")


def rounded(values):
    return [round(value, 4) for value in values]


def test_a_click_on_a_node_a_neighbour_or_the_timeline_opens_that_node(watched, api):
    watched.locator("#map .point").nth(0).click(force=True)
    expect(watched.locator("#detail-title")).to_contain_text("Diele")
    watched.locator("#detail-neighbours button").first.click()
    expect(watched.locator("#detail-title")).to_contain_text("Krümmel")
    watched.locator("#timeline .point").first.click(force=True)
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    expect(watched.locator("#detail-values")).to_contain_text("0.83")
    expect(watched.locator("#detail-sources")).to_contain_text("60%")


# One click each: Plotly takes two within 300 ms for a double click, wherever they are.
@pytest.mark.parametrize(("place", "name"), [(-1, "Diele"), (-3, "Wendlingen")])
def test_the_highest_risk_is_on_top_and_a_click_means_the_node_that_it_hits(
    watched, api, place, name
):
    assert node_trace(watched, "customdata") == ["diele", "krummel", "wendlingen"]
    api.answers["state/linear"]["risk"] = [0.9, 0.3, 0.1]
    until(lambda: node_trace(watched, "marker.color") == [0.1, 0.3, 0.9])
    assert node_trace(watched, "customdata") == ["wendlingen", "krummel", "diele"]
    watched.locator("#map .point").nth(place).click(force=True)
    expect(watched.locator("#detail-title")).to_contain_text(name)


@pytest.fixture
def large_grid(api):
    """A grid of 1,200 nodes in a square, each at the end of a line; one is stressed."""
    node, line = api.answers["grid"]["nodes"][0], api.answers["grid"]["lines"][0]
    nodes = [
        node | {"id": f"n{i}", "name": f"N{i}", "lon": i % 40 / 10, "lat": 50 + i // 40 / 10}
        for i in range(1200)
    ]
    lines = [line | {"source": f"n{i}", "target": f"n{i + 1}"} for i in range(len(nodes) - 1)]
    api.answers["grid"] |= {"name": "square", "nodes": nodes, "lines": lines}
    for model in ("linear", "centrality"):
        api.answers[f"state/{model}"] |= {
            "nodes": [row["id"] for row in nodes],
            "risk": [0.8, *[0.0] * 1199],
            "stress": [1.6, *[0.0] * 1199],
            "level": ["HIGH", *[""] * 1199],
        }


def test_a_large_map_draws_what_there_is_room_for_and_the_rest_when_it_is_zoomed(
    large_grid, open_page
):
    page = open_page()
    until(lambda: node_trace(page, "customdata"))
    assert node_trace(page, "customdata")[-1] == "n0"
    assert page.locator("#map .js-line").count() == 1
    drawn, in_sight = still(page, lambda: page.evaluate(OTHERS))[:2]
    assert (drawn, in_sight) == (FOREMOST, 1200)
    expect(page.locator("#map-voltages")).to_contain_text("zoom in to see all 1,200 nodes")
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def is_closer():
        page.mouse.wheel(0, -400)
        return page.evaluate(OTHERS)[1] < FOREMOST

    until(is_closer)
    drawn, in_sight, name, x, y = still(page, lambda: page.evaluate(OTHERS))
    assert drawn == in_sight
    page.mouse.click(x, y)
    expect(page.locator("#detail-title h2")).to_have_text(name.upper())


def test_a_map_that_takes_long_is_drawn_while_data_flow(api, monkeypatch, open_page):
    def slowly(*given):
        seen = len(api.asked)

        def has_moved_on():
            api.answers["state/linear"]["risk"][0] += 0.001
            return [path for path, _ in api.asked[seen:]].count("state") > 8

        until(has_moved_on)
        return whole_map(*given)

    monkeypatch.setattr(maps, "whole_map", slowly)
    page = open_page()
    until(lambda: node_trace(page, "customdata"))


def test_the_search_lists_some_of_many_nodes_and_finds_each(large_grid, open_page):
    page = open_page()
    until(lambda: node_trace(page, "customdata"))
    page.locator("#pick").click()
    expect(page.get_by_role("option")).to_have_count(100)
    page.locator("#pick").fill("N1199")
    page.get_by_role("option", name="N1199").click()
    expect(page.locator("#detail-title h2")).to_have_text("N1199")


OTHERS = """() => {
  const plot = document.querySelector("#map .js-plotly-plot");
  const trace = plot._fullData.find((trace) => trace.name === "others");
  const points = [...plot.querySelectorAll(`.trace${trace.uid} .point`)];
  const { xaxis, yaxis } = plot._fullLayout;
  const within = (value, [low, high]) => low <= value && value <= high;
  const count = trace.x.filter((x, i) =>
    within(x, xaxis.range) && within(trace.y[i], yaxis.range)).length;
  // The point next to the middle: its node is the one that a click there means.
  const box = plot.getBoundingClientRect();
  const [middleX, middleY] = [box.x + box.width / 2, box.y + box.height / 2];
  const at = (point) => { const b = point.getBoundingClientRect();
    return [b.x + b.width / 2, b.y + b.height / 2]; };
  const far = (point) => Math.hypot(at(point)[0] - middleX, at(point)[1] - middleY);
  const next = points.reduce((best, point) => (far(point) < far(best) ? point : best));
  return [points.length, count, trace.customdata[next.__data__.i], ...at(next)];
}"""
"""Points that are drawn of the others, nodes in sight, and name and place of one."""


def test_values_of_a_worker_that_is_gone_turn_grey_and_come_back(watched, api):
    api.broken = True
    expect(watched.locator("#status-title")).to_have_text("Worker gone")
    expect(watched.locator("#status-detail")).to_contain_text("old")
    expect(watched.locator("#root")).to_have_class("root stale")
    expect(watched.locator("#kpi-alarms")).to_have_text("1")
    api.broken = False
    expect(watched.locator("#status-title")).to_have_text("Live")
    expect(watched.locator("#root")).to_have_class("root")


def test_a_dashboard_that_is_gone_itself_is_noticed_by_the_browser(watched):
    watched.context.set_offline(True)
    try:
        expect(watched.locator("#root")).to_have_class("root stale offline")
    finally:
        watched.context.set_offline(False)
    expect(watched.locator("#root")).to_have_class("root")
    watched.complaints.clear()


def test_a_new_alert_appears_on_the_timeline(watched, api):
    fresh = alert(received_at=time.time(), level="CRITICAL", status="ESCALATED")
    api.answers["alerts/linear"]["alerts"].insert(0, fresh)
    expect(watched.locator("#timeline-note")).to_contain_text("1 escalated")


def test_everything_fits_without_scrolling_and_panels_keep_their_size(watched, api):
    sizes, everything = ((1920, 1080), (1280, 800)), ".panel, .kpi"
    before = {}
    for size in sizes:
        resize(watched, *size)
        before[size] = fits(watched, everything, *size)
    watched.locator("#top .ag-row").first.click()
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    api.broken = True
    expect(watched.locator("#status-title")).to_have_text("Worker gone")
    for size in sizes:
        resize(watched, *size)
        assert still(watched, lambda: boxes(watched, everything)) == before[size]
        scrolls = "() => document.documentElement.scrollHeight > window.innerHeight"
        assert not watched.evaluate(scrolls)


def ground(page):
    return page.evaluate("() => getComputedStyle(document.body).backgroundColor")


def test_side_by_side_shows_both_models_and_zooms_them_together(watched):
    watched.get_by_text("Side by side", exact=True).click()
    until(lambda: node_trace(watched, "marker.color", "map-second") == [0.12, 0.44, 0.95])
    expect(watched.locator("#map-title")).to_have_text("Linear attenuation")
    expect(watched.locator("#map-second-title")).to_have_text("Centrality-based")
    expect(watched.locator("#timeline-model")).to_contain_text("Linear attenuation")
    before = map_range(watched)
    watched.locator("#map").hover()
    watched.mouse.wheel(0, -400)
    until(lambda: map_range(watched) != before)
    until(lambda: x_range(watched, "map-second") == pytest.approx(map_range(watched), abs=0.1))
    assert node_trace(watched, "marker.color") == [0, 0.31, 0.83]
    assert "model=both" in address_of(watched)


def test_dark_follows_the_system_reaches_the_figures_and_can_be_switched(open_page):
    night = open_page(scheme="dark")
    until(lambda: lowest_colour(night) == "#3d4651")
    assert map_range(night)[0] == pytest.approx(4.5, abs=2)
    dark = ground(night)
    night.locator("#scheme").click()
    until(lambda: ground(night) != dark)
    until(lambda: lowest_colour(night) == "#e9edf1")
    night.reload()
    expect(night.locator("#kpi-alarms")).to_have_text("1")
    until(lambda: ground(night) != dark)


def test_the_risk_bars_of_a_moment_take_the_colours_of_the_dark(open_page):
    page = open_page(scheme="light")
    expect(page.locator("#top .risk-bar").first).to_have_text("0.83")
    page.locator("#time-play").click()
    expect(page.locator("#status-title")).to_have_text("A moment")
    light = page.evaluate(BAR)
    assert "linear-gradient" in light
    page.locator("#scheme").click()
    until(lambda: page.evaluate(BAR) != light)


BAR = """() => getComputedStyle(document.querySelector("#top .risk-bar")).backgroundImage"""


def test_a_tab_is_called_by_its_page_or_node_and_has_an_icon(open_page):
    page = open_page("/alarms")
    until(lambda: page.title() == "(1) Alarms · gridstress")
    page.locator(".ag-row").filter(has_text="CRITICAL").locator("[col-id=zone]").click()
    until(lambda: page.title() == "(1) Wendlingen · gridstress")
    address = page.locator("link[rel=icon]").evaluate("link => link.href")
    assert page.request.get(address).headers["content-type"].startswith("image/svg")


def test_the_legend_has_the_voltages_of_the_grid(open_page, api):
    page = open_page()
    expect(page.locator("#map-voltages")).to_have_text("380 kV220 kV")


def lowest_colour(page):
    scale = node_trace(page, "marker.colorscale")
    return scale and scale[0][1]


def test_the_address_says_what_is_shown_and_shows_it_again(watched, open_page):
    watched.get_by_text("Centrality-based", exact=True).first.click()
    expect(watched.locator("#top .ag-row").first).to_contain_text("CRITICAL")
    watched.locator("#top .ag-row").first.click()
    expect(watched.locator("#pick")).to_have_value("Wendlingen")
    shown = "/?model=centrality&node=wendlingen"
    until(lambda: address_of(watched).endswith(shown))
    other = open_page(shown)
    expect(other.locator("#detail-title")).to_contain_text("Wendlingen")
    until(lambda: len(trace(other, "map", "selected", "x") or ()) == 1)
    expect(other.locator("#kpi-affected")).to_have_text("3")


def test_the_keyboard_reaches_the_page_and_the_other_pages(watched):
    watched.keyboard.press("Tab")
    expect(watched.locator(".skip-link")).to_be_focused()
    for link in watched.locator("nav a").all():
        watched.keyboard.press("Tab")
        expect(link).to_be_focused()
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert watched.evaluate(outline) == "solid"
    watched.keyboard.press("Enter")
    expect(watched.locator(".current")).to_have_count(1)
    expect(watched.locator(".current")).not_to_have_text("Overview")


def test_the_ranking_and_the_timeline_can_be_set_to_show_more(watched, api):
    expect(watched.locator("#top .ag-row").first).to_contain_text("Wendlingen")
    ticks = watched.locator("#timeline .xtick text")
    until(lambda: "15 Jan 18:00" in ticks.all_text_contents())
    watched.locator("#timeline-span").get_by_text("10 min").click()
    until(lambda: "10 min ago" in ticks.all_text_contents())
    expect(watched.locator("#timeline .point")).to_have_count(1)
    watched.locator("#top-size").get_by_text("20", exact=True).click()
    expect(watched.locator("#top .ag-row")).to_have_count(3)


def test_a_phone_shows_everything_below_each_other(watched):
    watched.set_viewport_size({"width": 390, "height": 844})
    width = "() => document.documentElement.scrollWidth"
    until(lambda: watched.evaluate(width) == 390)
    panels = still(watched, lambda: boxes(watched, ".panel"))
    assert all(above["y"] + above["height"] <= below["y"] for above, below in pairwise(panels))


def test_an_open_alarm_chooses_its_node(watched):
    row = watched.locator("#open-alarms .open-row")
    expect(row).to_contain_text("690 MW, 99 % of rating")
    row.get_by_role("button").click()
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    expect(row).to_be_hidden()
