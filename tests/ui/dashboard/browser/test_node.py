"""The page of one node in a real browser."""

import pytest

from tests.support.browser import (
    address_ends,
    address_has,
    boxes,
    expect,
    fits,
    resize,
    still,
    until,
)

pytestmark = pytest.mark.browser


def lines(page):
    """The values of both lines, as the browser draws them now."""
    return page.evaluate(
        "() => { const plot = document.querySelector('#node-history .js-plotly-plot');"
        " return ((plot && plot._fullData) || []).map(trace => Array.from(trace.y)); }"
    )


def test_an_address_opens_its_node_and_the_model_it_names(open_page):
    page = open_page("/node/wendlingen?model=centrality")
    expect(page.locator("#node-title")).to_contain_text("Wendlingen")
    expect(page.locator("#node-values-0")).to_contain_text("0.83")
    expect(page.locator("#node-values-1")).to_contain_text("0.95")
    expect(page.locator("#node-sources-1")).to_contain_text("60%")
    expect(page.locator("#node-stressed-1")).to_contain_text("chosen")
    expect(page.locator("#node-episodes .episode-row")).to_have_count(4)
    expect(page.locator("#node-neighbours")).to_contain_text("530 km")
    until(lambda: lines(page) == [[0.39, 0.82], [0.39, 0.82]])
    address_ends(page, "/node/wendlingen?model=centrality")


def test_the_address_follows_the_model_switch(open_page):
    page = open_page("/node/wendlingen")
    expect(page.locator("#node-stressed-0")).to_contain_text("chosen")
    address_ends(page, "/node/wendlingen?model=linear")
    page.locator("#view").get_by_text("Centrality-based").click()
    expect(page.locator("#node-stressed-1")).to_contain_text("chosen")
    address_ends(page, "/node/wendlingen?model=centrality")


def test_new_windows_appear_without_the_figure_being_drawn_anew(open_page, api):
    page = open_page("/node/wendlingen")
    until(lambda: lines(page) == [[0.39, 0.82], [0.39, 0.82]])
    page.evaluate("() => { document.querySelector('#node-history .main-svg').dataset.same = '1'; }")
    fresh = {"window_end": "2019-01-15T18:00:00Z", "stress": 0.7, "risk": 0.5}
    api.answers["node/wendlingen/linear"]["windows"].append(fresh)
    api.answers["state/linear"]["risk"] = [0.1, 0.2, 0.4]
    until(lambda: lines(page) == [[0.39, 0.82, 0.5], [0.39, 0.82]])
    assert page.locator("#node-history .main-svg[data-same='1']").count() == 1


def test_neighbours_and_sources_lead_to_their_nodes_and_back_again(open_page):
    page = open_page("/node/wendlingen")
    page.locator("#node-neighbours a").first.click()
    expect(page.locator("#node-title")).to_contain_text("Krümmel")
    page.go_back()
    expect(page.locator("#node-title")).to_contain_text("Wendlingen")
    page.locator("#node-sources-1 a").nth(1).click()
    expect(page.locator("#node-title")).to_contain_text("Diele")
    address_ends(page, "/node/diele?model=centrality")
    expect(page.locator("#node-episodes")).to_contain_text("No alarm in this run")


def test_an_unknown_node_is_said_to_be_so_and_the_search_leads_on(open_page):
    page = open_page("/node/wendlinge")
    expect(page.locator("#node-unknown")).to_contain_text("There is no node “wendlinge”")
    expect(page.locator("#node-body")).to_be_hidden()
    page.locator("#node-pick").click()
    page.keyboard.type("Kr")
    page.get_by_role("option").first.click()
    expect(page.locator("#node-title")).to_contain_text("Krümmel")
    expect(page.locator("#node-unknown")).to_be_hidden()
    address_has(page, "/node/krummel")


def test_a_worker_that_is_gone_leaves_the_last_values(open_page, api):
    page = open_page("/node/wendlingen")
    expect(page.locator("#node-values-0")).to_contain_text("0.83")
    api.broken = True
    expect(page.locator("#status-title")).to_have_text("Worker gone")
    expect(page.locator("#node-values-0")).to_contain_text("0.83")


def test_panels_fit_the_window_and_keep_their_size(open_page, api):
    sizes, panels = ((1920, 1080), (1280, 800)), ".node-page .panel"
    page = open_page("/node/wendlingen", 390, 844)
    expect(page.locator("#node-values-0")).to_contain_text("0.83")
    assert len(fits(page, panels, 390)) == 6
    before = {}
    for size in sizes:
        resize(page, *size)
        before[size] = fits(page, panels, *size)
    api.answers["episodes"]["episodes"] *= 30
    api.answers["state/linear"]["risk"] = [0.1, 0.2, 0.4]
    expect(page.locator("#node-episodes .episode-row")).to_have_count(50)
    for size in sizes:
        resize(page, *size)
        assert still(page, lambda: boxes(page, panels)) == before[size]
