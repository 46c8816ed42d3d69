"""The compare page in a real browser."""

import os
from pathlib import Path

import pytest

from tests.support.browser import boxes, expect, fits, resize, still, trace, until, x_range
from tests.support.commands import run
from tests.ui.literal_api import RUN, episode, history, past_run, state
from tests.ui.literal_api import compare as compared
from ui.reports import report_path

pytestmark = pytest.mark.browser

CHECKOUT = Path(__file__).parents[4]


@pytest.fixture
def compare(open_page):
    page = open_page("/compare")
    expect(page.locator("#compare-overlap")).to_have_text("0.67")
    return page


def risks(page, place):
    return trace(page, f"compare-map-{place}", "nodes", "marker.color")


def test_both_models_are_shown_at_the_same_moment(compare):
    until(lambda: risks(compare, 0) == [0, 0.31, 0.83])
    until(lambda: risks(compare, 1) == [0.12, 0.44, 0.95])
    until(lambda: trace(compare, "compare-scatter", 1, "x") == [0, 0.31, 0.83])
    assert trace(compare, "compare-scatter", 1, "y") == [0.12, 0.44, 0.95]
    expect(compare.locator("#compare-title-0")).to_have_text("Linear attenuation")
    expect(compare.locator("#compare-lead")).to_have_text("Centrality 1 h earlier")
    expect(compare.locator("#compare-history-note")).to_have_text("3 final windows")


def test_new_values_arrive_without_the_zoom_being_lost(compare, api):
    until(lambda: risks(compare, 0) == [0, 0.31, 0.83])
    before = x_range(compare, "compare-map-0")
    compare.locator("#compare-map-0").hover()
    compare.mouse.wheel(0, -400)
    until(lambda: x_range(compare, "compare-map-0") != before)
    zoomed = still(compare, lambda: x_range(compare, "compare-map-0"))
    api.answers["state/linear"]["risk"] = [0.2, 0.6, 0.7]
    api.answers["compare"]["top_k_overlap"] = 0.5
    until(lambda: risks(compare, 0) == [0.2, 0.6, 0.7])
    until(lambda: trace(compare, "compare-scatter", 1, "x") == [0.2, 0.6, 0.7])
    expect(compare.locator("#compare-overlap")).to_have_text("0.50")
    assert x_range(compare, "compare-map-0") == zoomed


def test_a_click_in_the_scatter_leads_to_the_nodes_page(compare):
    until(lambda: trace(compare, "compare-scatter", 1, "x") == [0, 0.31, 0.83])
    compare.locator("#compare-scatter .point").last.click(force=True)
    expect(compare.locator("#compare-picked")).to_contain_text("Wendlingen")
    until(lambda: trace(compare, "compare-scatter", 2, "x") == [0.83])
    expect(compare.locator("#compare-picked a")).to_have_attribute("href", "/node/wendlingen")


def test_alarms_of_one_model_alone_are_links_to_their_nodes(compare):
    rows = compare.locator("#compare-only .ag-center-cols-container .ag-row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Centrality")
    expect(rows.first.locator("a")).to_have_attribute("href", "/node/wendlingen?model=centrality")
    expect(compare.locator("#compare-only-note")).to_contain_text("both 1")


def test_another_final_window_is_drawn(compare, api):
    until(lambda: trace(compare, "compare-history", 1, "y") == [None, 0.33, 0.81])
    found = api.answers["compare/history"]
    found["points"].append(found["points"][-1] | {"window_end": "2019-01-15T18:00:00Z"})
    api.answers["state/linear"]["watermark"] = "2019-01-15T18:00:00Z"
    until(lambda: trace(compare, "compare-history", 1, "y") == [None, 0.33, 0.81, 0.81])
    expect(compare.locator("#compare-history-note")).to_have_text("4 final windows")


def test_all_panels_fit_the_window_and_keep_their_size(compare, api):
    sizes, everything = ((1920, 1080), (1280, 800)), ".panel, .kpi"
    before = {}
    for size in sizes:
        resize(compare, *size)
        before[size] = fits(compare, everything, *size)
    api.answers["compare/history"]["points"] = []
    api.answers["compare/history"]["episodes"]["only"] = {}
    api.answers["state/linear"]["watermark"] = "2019-01-15T18:00:00Z"
    expect(compare.locator("#compare-history-empty")).to_have_text("No window is final yet.")
    expect(compare.locator("#compare-only")).to_contain_text("every alarm was raised by both")
    for size in sizes:
        resize(compare, *size)
        assert still(compare, lambda: boxes(compare, everything)) == before[size]
    resize(compare, 390, 844)
    fits(compare, everything, 390)


def test_a_run_that_has_ended_is_compared_to_its_beginning(open_page, api):
    whole = api.answers["compare/history"]
    begun = [point | {"rank_correlation": None, "top_k_overlap": None} for point in whole["points"]]
    api.answers["compare/history"] = whole | {"points": begun, "to_compare": 2}
    page = open_page("/compare")
    note = page.locator("#compare-history-note")
    expect(note).to_have_text("3 final windows, 2 still to compare")
    assert trace(page, "compare-history", 1, "y") == [None, None, None]
    # Nothing else changes: the page asks on all the same.
    api.answers["compare/history"] = whole
    expect(note).to_have_text("3 final windows")
    until(lambda: trace(page, "compare-history", 1, "y") == [None, 0.33, 0.81])


def test_the_report_of_the_run_is_linked_to_as_soon_as_there_is_one(compare, api, tmp_path):
    link = compare.locator("#compare-report")
    expect(link).to_have_text("Report: gridstress compare")
    body = "<p id='it'>of the run</p><script>it.textContent += `, ${origin}`</script>"
    report_path(tmp_path, RUN).write_text(body)
    expect(link).to_have_text("Report of this run")
    with compare.expect_popup() as opened:
        link.locator("a").click()
    # Its own script runs, but apart from the dashboard: its origin is opaque.
    expect(opened.value.locator("#it")).to_have_text("of the run, null")


THEN = "2018-01-16T18:00:00Z"
OLD = "winter of 2018"


@pytest.fixture
def old_run(api):
    """An archived run of the year before, with the answers that set it beside the one shown."""
    found = compared()
    first, second = found["models"].values()
    beside = {"run": OLD, "event_time": THEN, "shift_s": 52 * 7 * 86_400}
    measures = {"top_k_overlap": 0.4, "rank_correlation": 0.5, "beside": beside}
    api.answers["history/runs"]["runs"] = [past_run(OLD)]
    api.answers[f"compare with {OLD}"] = found | measures | {"models": {RUN: first, OLD: second}}
    agreed = history((RUN, OLD))
    agreed["episodes"]["only"][OLD] = ["o1"]
    api.answers[f"compare/history with {OLD}"] = agreed
    alone = episode("o1", ended=True) | {"raised_at": "2018-01-16T15:00:00Z"}
    of_old = {"run": OLD, "event_time": THEN}
    api.answers[OLD] = {
        "state/linear": state("centrality") | of_old | {"model": "linear"},
        "episodes": api.answers["episodes"] | of_old | {"episodes": [alone]},
    }


@pytest.mark.usefixtures("old_run")
def test_a_second_run_is_chosen_and_shared_and_stands_beside_the_first(open_page):
    page = open_page("/compare")
    expect(page.locator("#compare-overlap")).to_have_text("0.67")
    page.locator("#compare-with").click()
    page.get_by_role("option", name=f"run {OLD}").click()
    expect(page.locator("#compare-overlap")).to_have_text("0.40")
    expect(page.locator("#compare-then")).to_have_text(
        f"{OLD} at Tue 16 Jan 2018 18:00, 52 weeks earlier"
    )
    expect(page.locator("#compare-title-0")).to_have_text(RUN)
    expect(page.locator("#compare-title-1")).to_have_text(OLD)
    until(lambda: risks(page, 0) == [0, 0.31, 0.83])
    until(lambda: risks(page, 1) == [0.12, 0.44, 0.95])
    until(lambda: trace(page, "compare-scatter", 1, "y") == [0.12, 0.44, 0.95])
    rows = page.locator("#compare-only .ag-center-cols-container .ag-row")
    expect(rows).to_have_count(2)
    link = rows.filter(has_text="Second").locator("a")
    expect(link).to_have_attribute("href", "/node/wendlingen?model=linear&run=winter%20of%202018")
    assert "with=winter" in page.url
    page.get_by_text("Difference", exact=True).click()
    expect(page.locator("#compare-title-1")).to_have_text("Second less first")
    until(lambda: sorted(risks(page, 1)) == [0.12, 0.12, 0.13])
    assert page.url.endswith("&show=difference")
    page.reload()
    expect(page.locator("#compare-title-1")).to_have_text("Second less first")
    expect(page.locator("#compare-with")).to_have_value(f"run {OLD}")
    until(lambda: sorted(risks(page, 1)) == [0.12, 0.12, 0.13])


def test_a_run_that_cannot_be_compared_is_refused_with_the_reason(open_page):
    page = open_page("/compare?with=elsewhere")
    expect(page.locator("#compare-alone")).to_contain_text("cannot be compared with elsewhere:")
    # Two models can be compared all the same.
    page.locator("#compare-with").click()
    page.get_by_role("option", name="another model of this run").click()
    expect(page.locator("#compare-overlap")).to_have_text("0.67")
    expect(page.locator("#compare-alone")).to_be_hidden()
    assert "with" not in page.url


def test_the_reports_figures_fit_their_places_and_the_dark(chromium, tmp_path):
    # In a process of its own: what draws reports takes 70 MB, and this one has the browser.
    span = ("--start", "2025-01-07", "--until", "2025-01-08")
    words = ("compare", "synthetic", *span, "--no-sweep", "--html", "report.html")
    done = run(words, {**os.environ, "PYTHONPATH": str(CHECKOUT)}, tmp_path)
    assert done.returncode == 0, done.stderr
    page = chromium.new_page()
    page.emulate_media(color_scheme="dark")
    page.goto((tmp_path / "report.html").as_uri())
    wide = (
        "() => [...document.querySelectorAll('.plotly-graph-div')].map(figure =>"
        " figure.querySelector('.main-svg').clientWidth - figure.closest('.two > *').clientWidth)"
    )
    until(lambda: set(page.evaluate(wide)) == {0})
    assert len(page.evaluate(wide)) == 6
    ground, ink = page.evaluate(
        "() => [getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('.xtick text')).fill]"
    )
    assert (ground, ink) == ("rgb(20, 25, 31)", "rgb(228, 233, 238)")
    page.close()
