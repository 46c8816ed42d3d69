"""Runs, moments and links in a real browser."""

import pytest

from tests.support.browser import address_ends, address_has, expect, trace, until, x_range
from tests.ui.literal_api import LAST, RUN, answers

pytestmark = pytest.mark.browser

OLD = "opsd-1"


@pytest.fixture
def two_runs(api):
    """An earlier run beside the newest."""
    api.answers["runs"]["runs"].append(
        {"run": OLD, "event_time": "2018-03-01T00:00:00Z", "watermark": "2018-03-01T00:00:00Z",
         "ended": True, "published_at": 5.0}
    )  # fmt: skip
    found = answers(published_at=5.0)
    for model in ("linear", "centrality"):
        found[f"state/{model}"] |= {
            "run": OLD, "risk": [0.7, 0.0, 0.0], "event_time": "2018-03-01T00:00:00Z",
        }  # fmt: skip
    found["episodes"] |= {"run": OLD, "episodes": []}
    api.answers[OLD] = found


def risks(page):
    return trace(page, "map", "nodes", "marker.color")


def follow(page, name):
    page.locator("#nav").get_by_text(name, exact=True).click()


def test_with_one_run_there_is_nothing_to_choose(open_page):
    page = open_page()
    expect(page.locator("#run")).to_have_text(f"run {RUN}")
    expect(page.locator("#run-pick")).to_be_hidden()


def test_an_earlier_run_can_be_chosen_is_reported_as_such_and_stays_from_page_to_page(
    open_page, two_runs
):
    page = open_page()
    until(lambda: risks(page) == [0, 0.31, 0.83])
    page.locator("#run-pick").click()
    page.get_by_role("option", name=f"{OLD}, ended").click()
    until(lambda: risks(page) == [0, 0, 0.7])
    expect(page.locator("#status-title")).to_have_text("Earlier run")
    expect(page.locator("#status-detail")).to_contain_text(f"Shown is {OLD}")
    expect(page.locator("#kpi-time")).to_have_text("Thu 01 Mar 2018 00:00")
    address_has(page, f"run={OLD}")
    follow(page, "Alarms")
    expect(page.locator("#alarms-empty")).to_contain_text("No alarm in this run so far")
    address_ends(page, f"/alarms?run={OLD}")
    page.locator("#run-pick").click()
    page.get_by_role("option", name="Newest").click()
    expect(page.locator("#alarms-count")).to_have_text("4 episodes")
    address_ends(page, "/alarms")
    expect(page.locator("#status-title")).to_have_text("Live")


def test_an_address_opens_its_run_and_the_default_follows_a_new_run(open_page, api, two_runs):
    page = open_page(f"/?run={OLD}&node=diele")
    until(lambda: risks(page) == [0, 0, 0.7])
    expect(page.locator("#pick")).to_have_value("Diele")
    address_has(page, f"run={OLD}")
    page = open_page()
    until(lambda: risks(page) == [0, 0.31, 0.83])
    api.answers["runs"]["runs"].reverse()
    until(lambda: risks(page) == [0, 0, 0.7])
    expect(page.locator("#status-title")).to_have_text("Run ended")


def test_a_run_that_is_not_known_is_said_not_to_be(open_page, two_runs):
    page = open_page("/?run=nonsense")
    expect(page.locator("#status-title")).to_have_text("No such run")
    until(lambda: risks(page) == [0, 0.31, 0.83])


def test_both_maps_of_compare_zoom_together(open_page):
    page = open_page("/compare")
    expect(page.locator("#compare-title-1")).to_have_text("Centrality-based")
    until(lambda: x_range(page, "compare-map-1"))
    before = x_range(page, "compare-map-1")
    page.locator("#compare-map-0").hover()
    page.mouse.wheel(0, -400)
    until(lambda: x_range(page, "compare-map-1") != before)
    until(lambda: x_range(page, "compare-map-0") == x_range(page, "compare-map-1"))
    page.locator("#compare-map-1").hover()
    page.mouse.wheel(0, 200)
    until(lambda: x_range(page, "compare-map-0") == x_range(page, "compare-map-1"))


def test_the_model_switch_rests_where_it_does_nothing_and_says_why(open_page):
    page = open_page("/compare")
    expect(page.locator("#view-label")).to_have_text("Both models")
    expect(page.locator("#model-switch")).to_have_attribute(
        "title", "This page shows two models, or two runs."
    )
    expect(page.locator("#view input").first).to_be_disabled()
    follow(page, "Overview")
    expect(page.locator("#view-label")).to_have_text("Model")
    expect(page.locator("#view input").first).to_be_enabled()


def test_a_link_in_compares_table_leads_to_the_node_without_a_new_page(open_page):
    page = open_page("/compare")
    page.evaluate("window.same = true")
    page.locator("#compare-only .node-link").first.click()
    expect(page.locator("#node-title")).to_contain_text("Wendlingen")
    assert page.evaluate("window.same") is True
    address_has(page, "/node/wendlingen?model=")


def test_other_pages_and_filters_of_a_moment_are_of_it(open_page, api):
    api.answers[LAST] = answers()
    page = open_page("/alarms")
    expect(page.locator("#alarms-count")).to_have_text("4 episodes")
    expect(page.locator("#time-text")).to_have_text("live")
    page.locator("#time-play").click()
    expect(page.locator("#status-title")).to_have_text("A moment")
    address_ends(page, f"/alarms?at={LAST}")
    api.answers["episodes"]["episodes"] = []
    api.answers["state/linear"]["risk"] = [0.2, 0.2, 0.2]
    for model in ("linear", "centrality"):
        api.answers[f"node/wendlingen/{model}"]["risk"] = 0.2
    follow(page, "Overview")
    until(lambda: risks(page) == [0, 0.31, 0.83])
    page.locator("#top .ag-row").first.click()
    expect(page.locator("#detail-values")).to_contain_text("0.83")
    follow(page, "Alarms")
    expect(page.locator("#alarms-count")).to_have_text("4 episodes")
    page.locator("#alarms-state").get_by_text("Open", exact=True).click()
    expect(page.locator("#alarms-count")).to_have_text("2 episodes left by the filters")
    page.locator("#time-live").click()
    expect(page.locator("#alarms-empty")).to_contain_text("No alarm in this run so far")
    address_ends(page, "/alarms?state=open")


def test_back_brings_the_selected_node_again(open_page):
    page = open_page()
    until(lambda: risks(page) == [0, 0.31, 0.83])
    page.locator("#top .ag-row").first.click()
    expect(page.locator("#detail-title")).to_contain_text("Wendlingen")
    follow(page, "Alarms")
    expect(page.locator("#alarms-count")).to_have_text("4 episodes")
    page.go_back()
    expect(page.locator("#detail-title")).to_contain_text("Wendlingen")
    expect(page.locator("#pick")).to_have_value("Wendlingen")
