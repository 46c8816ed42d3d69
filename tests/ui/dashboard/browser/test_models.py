"""The dashboard with one model and with three, in a real browser."""

import time

import pytest

from tests.support.browser import address_ends, boxes, expect, resize, still, trace, until
from tests.ui.literal_api import answers, literal_api

pytestmark = pytest.mark.browser


@pytest.fixture
def api(models):
    with literal_api(found=answers(time.time(), models), live=True) as server:
        yield server


@pytest.fixture
def no_answer(api):
    """The page is there before the dashboard knows any grid."""
    api.broken = True


three = pytest.mark.parametrize("models", [("linear", "centrality", "electrical")])
one = pytest.mark.parametrize("models", [("electrical",)])


def risks(page, graph):
    """The risks on a map, in the order that its nodes are drawn in."""
    return trace(page, graph, "nodes", "marker.color")


def choices(page):
    return page.locator("#view label").all_text_contents()


def address_of(page):
    return page.evaluate("() => window.location.pathname + window.location.search")


def choose_pair(page, label):
    page.locator("#pair").click()
    page.get_by_role("option", name=label).click()


@three
def test_the_switch_has_all_three_and_shows_the_third(open_page):
    page = open_page()
    expect(page.locator("#kpi-alarms")).to_have_text("1")
    until(lambda: choices(page)[:3] == ["Linear attenuation", "Centrality-based",
                                        "Electrical sensitivity"])  # fmt: skip
    expect(page.locator("#pair")).to_be_hidden()
    page.locator("#view").get_by_text("Electrical sensitivity").click()
    until(lambda: risks(page, "map") == [0.1, 0.2, 0.6])
    until(lambda: address_of(page) == "/?model=electrical")


@three
@pytest.mark.parametrize("path", ["/?model=both", "/compare"])
def test_nothing_of_the_header_is_pushed_out_of_the_window(open_page, path):
    page = open_page(path, 1920)
    expect(page.locator("#pair")).to_be_visible()
    for width in (1920, 1440, 1280, 390):
        resize(page, width, 800)
        for box in still(page, lambda: boxes(page, "header *")):
            assert box["x"] + box["width"] <= width, width


@three
def test_the_third_model_can_be_the_first_thing_an_address_shows(open_page):
    page = open_page("/node/wendlingen?model=electrical")
    expect(page.locator("#node-stressed-2")).to_contain_text("chosen")
    expect(page.locator("#node-values-2")).to_contain_text("0.60")
    expect(page.locator("#node-neighbours .neighbour-row").first).to_contain_text("electrical")
    panels = still(page, lambda: boxes(page, ".node-model"))
    assert len({box["y"] for box in panels}) == 1
    assert len(panels) == 3
    address_ends(page, "/node/wendlingen?model=electrical")


@three
def test_two_of_three_are_chosen_on_the_compare_page_and_shared_by_its_address(open_page):
    page = open_page("/compare")
    expect(page.locator("#compare-overlap")).to_have_text("0.67")
    until(lambda: address_of(page) == "/compare?models=linear,centrality")
    choose_pair(page, "Linear · Electrical")
    expect(page.locator("#compare-title-1")).to_have_text("Electrical sensitivity")
    until(lambda: risks(page, "compare-map-1") == [0.1, 0.2, 0.6])
    until(lambda: trace(page, "compare-scatter", 1, "y") == [0.2, 0.1, 0.6])
    expect(page.locator("#compare-overlap")).to_have_text("0.25")
    expect(page.locator("#compare-lead")).to_have_text("Electrical 1 h earlier")
    expect(page.locator("#compare-scatter .ytitle")).to_have_text("risk, Electrical sensitivity")
    until(lambda: address_of(page) == "/compare?models=linear,electrical")
    other = open_page("/compare?models=electrical,linear")
    expect(other.locator("#compare-title-1")).to_have_text("Electrical sensitivity")
    until(lambda: trace(other, "compare-scatter", 1, "y") == [0.2, 0.1, 0.6])


@three
def test_the_pair_goes_along_to_the_overview_side_by_side(open_page):
    page = open_page("/compare?models=centrality,electrical")
    expect(page.locator("#compare-title-1")).to_have_text("Electrical sensitivity")
    page.locator("nav a", has_text="Overview").click()
    expect(page.locator("#pair")).to_be_hidden()
    page.locator("#view").get_by_text("Side by side").click()
    expect(page.locator("#map-second-title")).to_have_text("Electrical sensitivity")
    until(lambda: risks(page, "map-second") == [0.1, 0.2, 0.6])
    choose_pair(page, "Linear · Centrality")
    until(lambda: risks(page, "map-second") == [0.12, 0.44, 0.95])
    until(lambda: "models=linear%2Ccentrality" in address_of(page).replace(",", "%2C"))


@one
def test_one_model_offers_itself_and_nothing_side_by_side(open_page):
    page = open_page("/?model=both")
    until(lambda: risks(page, "map") == [0.1, 0.2, 0.6])
    until(lambda: choices(page) == ["Electrical sensitivity"])
    expect(page.locator("#map-second")).to_be_hidden()
    expect(page.locator("#pair")).to_be_hidden()
    assert page.locator("#view input[disabled]").count() == 0


@one
def test_one_model_has_nothing_to_compare_and_the_page_says_so(open_page, api):
    page = open_page("/compare")
    expect(page.locator("#compare-alone")).to_contain_text("There is nothing to compare")
    expect(page.locator("#compare-map-0")).to_be_hidden()
    page.locator("nav a", has_text="Alarms").click()
    expect(page.locator("#alarms-by label")).to_have_text(["All", "Electrical"])
    assert not [path for path, _ in api.asked if path.startswith("compare")]


@one
def test_a_node_is_shown_under_the_one_model(open_page):
    page = open_page("/node/wendlingen")
    expect(page.locator("#node-values-0")).to_contain_text("0.60")
    assert len(still(page, lambda: boxes(page, ".node-model"))) == 1


@one
def test_a_page_that_waited_for_the_first_values_shows_the_one_model(no_answer, open_page, api):
    page = open_page("/?model=both")
    expect(page.locator("#status-title")).to_have_text("Waiting for a worker")
    api.broken = False
    until(lambda: risks(page, "map") == [0.1, 0.2, 0.6])


@three
def test_a_page_that_waited_for_the_first_values_shows_the_pair_of_its_address(
    no_answer, open_page, api
):
    page = open_page("/compare?models=electrical,linear")
    expect(page.locator("#status-title")).to_have_text("Waiting for a worker")
    api.broken = False
    expect(page.locator("#compare-title-1")).to_have_text("Electrical sensitivity")
    until(lambda: address_of(page) == "/compare?models=linear,electrical")


@three
@pytest.mark.parametrize("path", ["/", "/node/wendlingen"])
def test_a_page_that_waited_for_the_first_values_shows_the_model_of_its_address(
    no_answer, open_page, api, path
):
    page = open_page(f"{path}?model=electrical")
    expect(page.locator("#status-title")).to_have_text("Waiting for a worker")
    api.broken = False
    expect(page.get_by_role("radio", name="Electrical sensitivity")).to_be_checked()
    until(lambda: address_of(page) == f"{path}?model=electrical")
