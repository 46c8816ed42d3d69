"""The alarms page in a real browser."""

import csv

import pytest

from tests.support.browser import address_ends, address_has, expect, fits, resize, still, until
from tests.ui.literal_api import answers, episode

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page):
    found = open_page("/alarms")
    expect(found.locator("#alarms-count")).to_have_text("4 episodes")
    return found


def many(count):
    rows = [episode(f"m{i:03}", "linear", ended=True) for i in range(count)]
    for i, row in enumerate(rows):
        row["raised_at"] = f"2019-01-{1 + i // 24:02}T{i % 24:02}:00:00Z"
        row["peak_risk"] = 0.5 + i / 1000
    return rows


def renew(api, rows):
    """Let the API answer with other episodes, as a step of the run would."""
    api.answers["episodes"]["episodes"] = rows
    api.answers["state/linear"]["risk"] = [0.1, 0.2, len(rows) / 1000]


def column(page, name):
    return [cell.inner_text() for cell in page.locator(f".ag-cell[col-id={name}]").all()]


def scrolled(page):
    return page.evaluate(
        "() => document.querySelector('.alarms-table .ag-body-viewport').scrollTop"
    )


def test_all_episodes_of_both_models_are_listed_and_put_in_words(page):
    assert sorted(column(page, "level")) == ["CRITICAL", "HIGH", "WARNING", "WARNING"]
    assert sorted(column(page, "state")) == ["○ cleared", "○ cleared", "● open", "● open"]
    assert set(column(page, "model")) == {"Linear attenuation", "Centrality-based"}
    assert column(page, "raised_at")[0] == "15 Jan 15:00"


def test_filters_leave_what_is_chosen_and_reset_shows_all(page):
    page.get_by_text("CRITICAL", exact=True).first.click()
    expect(page.locator("#alarms-count")).to_have_text("1 episode left by the filters")
    page.locator("#alarms-filters, .alarms-filters").get_by_text("HIGH", exact=True).click()
    expect(page.locator("#alarms-count")).to_have_text("2 episodes left by the filters")
    page.locator("#alarms-by").get_by_text("Linear", exact=True).click()
    expect(page.locator("#alarms-count")).to_have_text("1 episode left by the filters")
    page.locator("#alarms-state").get_by_text("Cleared", exact=True).click()
    expect(page.locator("#alarms-empty")).to_contain_text("No episode passes these filters")
    page.locator("#alarms-reset").click()
    expect(page.locator("#alarms-count")).to_have_text("4 episodes")
    page.locator("#alarms-node").fill("nowhere")
    expect(page.locator("#alarms-empty")).to_be_visible()


def test_a_click_on_a_heading_sorts_levels_by_their_weight(page):
    page.locator(".ag-header-cell[col-id=level]").click()
    until(lambda: rows_in_order(page) == ["WARNING", "WARNING", "HIGH", "CRITICAL"])
    page.locator(".ag-header-cell[col-id=level]").click()
    until(lambda: rows_in_order(page) == ["CRITICAL", "HIGH", "WARNING", "WARNING"])


def rows_in_order(page, name="level"):
    return page.evaluate(
        "name => Array.from(document.querySelectorAll('.alarms-table .ag-center-cols-container"
        " .ag-row')).sort((a, b) => a.getAttribute('row-index') - b.getAttribute('row-index'))"
        ".map(row => row.querySelector(`[col-id=${name}]`).innerText)",
        name,
    )


def test_open_alarms_come_first_whenever_they_were_raised(page, api):
    rows = [*many(3), episode("old")]
    rows[-1]["raised_at"] = "2018-01-01T00:00:00Z"
    renew(api, rows)
    until(lambda: rows_in_order(page, "state") == ["● open", *["○ cleared"] * 3])
    assert rows_in_order(page, "raised_at")[1:] == ["01 Jan 02:00", "01 Jan 01:00", "01 Jan 00:00"]


def test_the_address_opens_the_list_as_it_was_left(page, open_page):
    page.get_by_text("CRITICAL", exact=True).first.click()
    page.locator(".alarms-filters").get_by_text("WARNING", exact=True).click()
    page.locator("#alarms-by").get_by_text("Centrality", exact=True).click()
    page.locator("#alarms-node").fill("wend")
    address_has(page, "node=wend")
    page.locator(".ag-header-cell[col-id=level]").click()
    shown = "/alarms?level=CRITICAL,WARNING&by=centrality&node=wend&sort=level"
    address_ends(page, shown)
    other = open_page(shown)
    expect(other.locator("#alarms-count")).to_have_text("2 episodes left by the filters")
    until(lambda: rows_in_order(other) == ["WARNING", "CRITICAL"])
    expect(other.locator("#alarms-node")).to_have_value("wend")
    other.locator("#alarms-reset").click()
    expect(other.locator("#alarms-count")).to_have_text("4 episodes")
    address_ends(other, "/alarms?sort=level")


def test_back_finds_the_list_as_it_was_left(page):
    page.locator("#alarms-state").get_by_text("Open", exact=True).click()
    page.locator(".ag-header-cell[col-id=level]").click()
    address_ends(page, "/alarms?state=open&sort=level")
    page.locator(".ag-row").filter(has_text="CRITICAL").locator("[col-id=zone]").click()
    expect(page.locator("#node-title")).to_contain_text("Wendlingen")
    page.go_back()
    expect(page.locator("#alarms-count")).to_have_text("2 episodes left by the filters")
    until(lambda: rows_in_order(page) == ["HIGH", "CRITICAL"])
    address_ends(page, "/alarms?state=open&sort=level")
    page.locator("#nav").get_by_text("Alarms", exact=True).click()
    address_has(page, "state=open")
    expect(page.locator("#alarms-count")).to_have_text("2 episodes left by the filters")


def test_filter_sort_and_scroll_survive_updates(page, api):
    rows = many(120)
    renew(api, rows)
    expect(page.locator("#alarms-count")).to_have_text("120 episodes")
    page.locator(".ag-header-cell[col-id=peak_risk]").click()
    page.locator("#alarms-state").get_by_text("Cleared", exact=True).click()
    expect(page.locator("#alarms-count")).to_have_text("120 episodes left by the filters")
    page.locator(".alarms-table .ag-row").first.hover()
    page.mouse.wheel(0, 900)
    until(lambda: scrolled(page) > 500)
    place = still(page, lambda: scrolled(page))
    renew(api, [*rows, episode("open"), *answers()["episodes"]["episodes"][2:3]])
    expect(page.locator("#alarms-count")).to_have_text("121 episodes left by the filters")
    assert scrolled(page) == place
    sort = page.locator(".ag-header-cell[col-id=peak_risk]").get_attribute("aria-sort")
    assert sort == "ascending"


def test_a_table_that_is_left_as_soon_as_it_is_sorted_complains_of_nothing(page):
    """Its events come later than what they are of."""
    page.evaluate("""() => {
      document.querySelector(".ag-header-cell[col-id=peak_risk] .ag-header-cell-label").click();
      for (const root of window.reactRoots.splice(0)) root.unmount();
      return new Promise((done) => setTimeout(done, 100));
    }""")


def test_a_row_opens_its_node_with_a_click_or_with_enter_and_back_comes_back(page):
    page.locator(".ag-row").filter(has_text="CRITICAL").locator("[col-id=zone]").click()
    expect(page.locator("#node-title")).to_contain_text("Wendlingen")
    address_ends(page, "/node/wendlingen?model=centrality")
    page.go_back()
    expect(page.locator("#alarms-count")).to_have_text("4 episodes")
    page.locator(".ag-row").filter(has_text="HIGH").locator("[col-id=zone]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#node-title")).to_contain_text("Wendlingen")


def test_the_export_holds_what_the_filters_leave(page):
    page.get_by_text("CRITICAL", exact=True).first.click()
    expect(page.locator("#alarms-count")).to_have_text("1 episode left by the filters")
    with page.expect_download() as download:
        page.locator("#alarms-export").click()
    assert download.value.suggested_filename == "gridstress-alarms.csv"
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["episode_id"] == "c1"
    assert (row["model"], row["level"], row["state"]) == ("centrality", "CRITICAL", "open")
    assert (row["raised_at"], row["cleared_at"]) == ("2019-01-15T15:00:00Z", "")
    assert (row["duration_s"], row["peak_risk"]) == ("10800", "0.83")
    assert row["load_mw"] == "690"
    assert row["sources"] == "Krümmel 60%"


def test_an_empty_list_says_what_it_waits_for_and_fills_by_itself(page, api):
    renew(api, [])
    expect(page.locator("#alarms-empty")).to_contain_text("No alarm in this run so far")
    renew(api, [episode()])
    expect(page.locator("#alarms-count")).to_have_text("1 episode")
    expect(page.locator("#alarms-empty")).to_be_hidden()


def test_a_link_to_one_nodes_alarms_shows_only_those(page, address):
    page.goto(f"{address}/alarms?node=diele")
    expect(page.locator("#alarms-node")).to_have_value("diele")
    expect(page.locator("#alarms-empty")).to_contain_text("No episode passes these filters")


def test_nothing_hangs_over_the_edge(page):
    for width, height in ((1920, 1080), (1280, 800), (390, 844)):
        resize(page, width, height)
        fits(page, ".alarms > .card", width)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
