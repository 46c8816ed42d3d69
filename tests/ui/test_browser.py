"""The dashboard in a real browser: Debian's chromium, driven by playwright."""

import shutil
import time
from itertools import pairwise
from threading import Thread

import pytest

from tests.ui.literal_api import alert, answers, literal_api
from ui.client import ApiClient
from ui.dashboard import create_dashboard
from ui.poller import Poller

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

try:
    from playwright.sync_api import expect, sync_playwright
except ImportError:
    pytest.skip("playwright is not installed: pip install playwright", allow_module_level=True)
if CHROMIUM is None:
    pytest.skip("there is no chromium: apt-get install chromium", allow_module_level=True)

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def api():
    with literal_api(found=answers(published_at=time.time())) as server:
        yield server


@pytest.fixture
def address(api):
    """The dashboard on a free port, as ``gridstress ui`` serves it."""
    from waitress.server import create_server

    poller = Poller(ApiClient(api.url), interval_s=0.1)
    app = create_dashboard(poller, refresh_s=0.2)
    server = create_server(app.server, host="127.0.0.1", port=0, threads=8)
    poller.start()
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    poller.stop()


@pytest.fixture
def watched(browser, address):
    """A page, with all that it complained about and asked for."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.complaints, page.asked = [], []
    page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(address)
    expect(page.locator("#kpi-alarms")).to_have_text("1")
    yield page
    page.close()


def node_trace(page, field):
    """A field of the nodes' trace, as the browser draws it now."""
    return page.evaluate(
        "field => { const plot = document.querySelector('#map .js-plotly-plot');"
        " const trace = ((plot && plot._fullData) || []).find(t => t.name === 'nodes');"
        " return trace ? Array.from(field.split('.').reduce((o, k) => o[k], trace)) : null; }",
        field,
    )


def map_range(page):
    return page.evaluate(
        "() => document.querySelector('#map .js-plotly-plot')._fullLayout.xaxis.range.slice()"
    )


def until(condition, deadline_s=20.0):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the page did not come to it in time"
        time.sleep(0.05)


def test_the_page_shows_the_workers_values_and_asks_nobody_else(watched, address):
    expect(watched.locator("#kpi-affected")).to_have_text("2")
    expect(watched.locator("#kpi-time")).to_have_text("Tue 15 Jan 2019 18:00")
    expect(watched.locator("#status-title")).to_have_text("Live")
    expect(watched.locator("#synthetic")).to_be_visible()
    expect(watched.locator("#top .ag-row").first).to_contain_text("Wendlingen")
    expect(watched.locator("#timeline-note")).to_contain_text("1 raised")
    until(lambda: node_trace(watched, "marker.color") == [0, 0.31, 0.83])
    expect(watched.get_by_text("not a probability.").first).to_be_visible()
    assert watched.complaints == []
    outside = [url for url in watched.asked if not url.startswith((address, "data:", "blob:"))]
    assert outside == []


def test_the_model_switch_changes_the_values(watched):
    watched.get_by_text("Centrality-based", exact=True).first.click()
    expect(watched.locator("#kpi-affected")).to_have_text("3")
    expect(watched.locator("#top .ag-row").first).to_contain_text("CRITICAL")
    until(lambda: node_trace(watched, "marker.color") == [0.12, 0.44, 0.95])
    assert watched.complaints == []


def test_zoom_and_selection_survive_updates(watched, api):
    until(lambda: node_trace(watched, "marker.color") == [0, 0.31, 0.83])
    watched.locator("#top .ag-row").first.click()
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    before = map_range(watched)
    watched.locator("#map").hover()
    watched.mouse.wheel(0, -400)
    until(lambda: map_range(watched) == map_range(watched) != before)
    zoomed = map_range(watched)
    api.answers["state/linear"]["risk"] = [0.2, 0.6, 0.7]
    until(lambda: node_trace(watched, "marker.color") == [0.2, 0.6, 0.7])
    assert map_range(watched) == zoomed
    expect(watched.locator("#pick")).to_have_value("Wendlingen")
    expect(watched.locator("#top .ag-row.picked")).to_contain_text("Wendlingen")
    assert watched.complaints == []


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
    until(lambda: node_trace(watched, "marker.color") == [0, 0.31, 0.83])
    watched.locator("#map .point").nth(0).click(force=True)
    expect(watched.locator("#detail-title")).to_contain_text("Diele")
    watched.locator("#detail-neighbours button").first.click()
    expect(watched.locator("#detail-title")).to_contain_text("Krümmel")
    watched.locator("#timeline .point").first.click(force=True)
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    expect(watched.locator("#detail-values")).to_contain_text("0.83")
    expect(watched.locator("#detail-sources")).to_contain_text("60%")
    assert watched.complaints == []


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
    expect(watched.locator("#root")).to_have_class("root stale offline")
    watched.context.set_offline(False)
    expect(watched.locator("#root")).to_have_class("root")


def test_a_new_alert_appears_on_the_timeline(watched, api):
    fresh = alert(received_at=time.time(), level="CRITICAL", status="ESCALATED")
    api.answers["alerts/linear"]["alerts"].insert(0, fresh)
    expect(watched.locator("#timeline-note")).to_contain_text("1 escalated")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_everything_fits_without_scrolling_and_panels_keep_their_size(watched, api, width, height):
    watched.set_viewport_size({"width": width, "height": height})
    panels = watched.locator(".panel:visible, .kpi")
    before = [panel.bounding_box() for panel in panels.all()]
    assert all(box["x"] + box["width"] <= width for box in before)
    assert all(box["y"] + box["height"] <= height for box in before)
    watched.locator("#top .ag-row").first.click()
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    api.broken = True
    expect(watched.locator("#status-title")).to_have_text("Worker gone")
    assert [panel.bounding_box() for panel in panels.all()] == before
    scrolls = "() => document.documentElement.scrollHeight > window.innerHeight"
    assert not watched.evaluate(scrolls)


@pytest.fixture
def night(browser, address):
    """A page of somebody whose system is set to dark."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page.goto(address)
    expect(page.locator("#kpi-alarms")).to_have_text("1")
    yield page
    page.close()


def ground(page):
    return page.evaluate("() => getComputedStyle(document.body).backgroundColor")


def test_a_paused_view_stands_still_and_resume_jumps_to_now(watched, api):
    until(lambda: node_trace(watched, "marker.color") == [0, 0.31, 0.83])
    watched.locator("#pause").click()
    expect(watched.locator("#status-title")).to_have_text("Paused")
    expect(watched.locator("#status-detail")).to_contain_text("Tue 15 Jan 2019 18:00")
    expect(watched.locator("#pause")).to_have_attribute("aria-pressed", "true")
    api.answers["state/linear"]["risk"] = [0.2, 0.6, 0.7]
    api.answers["state/linear"]["event_time"] = "2019-01-15T20:00:00Z"
    watched.locator("#top .ag-row").first.click()
    expect(watched.locator("#detail-title")).to_contain_text("Wendlingen")
    watched.get_by_text("Centrality-based", exact=True).first.click()
    expect(watched.locator("#kpi-affected")).to_have_text("3")
    watched.get_by_text("Linear attenuation", exact=True).first.click()
    expect(watched.locator("#kpi-affected")).to_have_text("2")
    assert node_trace(watched, "marker.color") == [0, 0.31, 0.83]
    expect(watched.locator("#kpi-time")).to_have_text("Tue 15 Jan 2019 18:00")
    watched.locator("#pause").click()
    until(lambda: node_trace(watched, "marker.color") == [0.2, 0.6, 0.7])
    expect(watched.locator("#kpi-time")).to_have_text("Tue 15 Jan 2019 20:00")
    expect(watched.locator("#status-title")).to_have_text("Live")
    assert watched.complaints == []


def test_side_by_side_shows_both_models_and_zooms_them_together(watched):
    until(lambda: node_trace(watched, "marker.color") == [0, 0.31, 0.83])
    watched.get_by_text("Side by side", exact=True).click()
    second = (
        "() => { const plot = document.querySelector('#map-second .js-plotly-plot');"
        " const trace = ((plot && plot._fullData) || []).find(t => t.name === 'nodes');"
        " return trace ? [Array.from(trace.marker.color), plot._fullLayout.xaxis.range] : []; }"
    )
    until(lambda: watched.evaluate(second)[:1] == [[0.12, 0.44, 0.95]])
    expect(watched.locator("#map-title")).to_have_text("Linear attenuation")
    expect(watched.locator("#map-second-title")).to_have_text("Centrality-based")
    expect(watched.locator("#timeline-model")).to_contain_text("Linear attenuation")
    before = map_range(watched)
    watched.locator("#map").hover()
    watched.mouse.wheel(0, -400)
    until(lambda: map_range(watched) != before)
    until(lambda: watched.evaluate(second)[1] == pytest.approx(map_range(watched), abs=0.1))
    assert node_trace(watched, "marker.color") == [0, 0.31, 0.83]
    assert "model=both" in address_of(watched)
    assert watched.complaints == []


def test_dark_follows_the_system_reaches_the_figures_and_can_be_switched(night):
    until(lambda: node_trace(night, "marker.colorscale")[0][1] == "#3d4651")
    assert map_range(night)[0] == pytest.approx(5.6, abs=2)
    dark = ground(night)
    night.locator("#scheme").click()
    until(lambda: ground(night) != dark)
    until(lambda: node_trace(night, "marker.colorscale")[0][1] == "#e9edf1")
    night.reload()
    expect(night.locator("#kpi-alarms")).to_have_text("1")
    until(lambda: ground(night) != dark)


def test_the_address_says_what_is_shown_and_shows_it_again(watched, browser):
    watched.get_by_text("Centrality-based", exact=True).first.click()
    expect(watched.locator("#top .ag-row").first).to_contain_text("CRITICAL")
    watched.locator("#top .ag-row").first.click()
    expect(watched.locator("#pick")).to_have_value("Wendlingen")
    until(lambda: address_of(watched).endswith("?model=centrality&node=wendlingen"))
    other = browser.new_page(viewport={"width": 1280, "height": 800})
    other.goto(address_of(watched))
    expect(other.locator("#detail-title")).to_contain_text("Wendlingen")
    expect(other.locator("#kpi-affected")).to_have_text("3")
    other.close()


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
    watched.locator("#timeline-span").get_by_text("24 h grid time").click()
    ticks = watched.locator("#timeline .xtick text")
    until(lambda: "15 Jan 18:00" in ticks.all_text_contents())
    expect(watched.locator("#timeline .point")).to_have_count(1)
    watched.locator("#top-size").get_by_text("20", exact=True).click()
    expect(watched.locator("#top .ag-row")).to_have_count(2)
    assert watched.complaints == []


def test_a_phone_shows_everything_below_each_other(watched):
    watched.set_viewport_size({"width": 390, "height": 844})
    width = "() => document.documentElement.scrollWidth"
    until(lambda: watched.evaluate(width) == 390)
    boxes = [box.bounding_box() for box in watched.locator(".panel:visible").all()]
    assert all(above["y"] + above["height"] <= below["y"] for above, below in pairwise(boxes))
