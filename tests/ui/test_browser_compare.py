"""The compare page in a real browser."""

import time

import pytest

pytest.importorskip("playwright")

from tests.ui.test_browser import address, api, browser, expect, until  # noqa: F401

pytestmark = pytest.mark.browser


@pytest.fixture
def served(request):
    """The API whose answers a test changes."""
    return request.getfixturevalue("api")


@pytest.fixture
def compare(request):
    """The compare page, with all that it complained about."""
    url = request.getfixturevalue("address")
    page = request.getfixturevalue("browser").new_page(viewport={"width": 1280, "height": 800})
    page.complaints = []
    page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"{url}/compare")
    expect(page.locator("#compare-overlap")).to_have_text("0.67")
    yield page
    page.close()


def values(page, graph, trace, field):
    """A field of a trace, as the browser draws it now."""
    return page.evaluate(
        "([id, trace, field]) => {"
        " const plot = document.querySelector(`#${id} .js-plotly-plot`);"
        " const data = plot && plot._fullData && plot._fullData[trace];"
        " const found = data && field.split('.').reduce((o, k) => o && o[k], data);"
        " return found ? Array.from(found) : null; }",
        [graph, trace, field],
    )


def risks(page, place):
    return page.evaluate(
        "id => { const plot = document.querySelector(`#${id} .js-plotly-plot`);"
        " const trace = ((plot && plot._fullData) || []).find(t => t.name === 'nodes');"
        " return trace ? Array.from(trace.marker.color) : null; }",
        f"compare-map-{place}",
    )


def steady(page, question, deadline_s=20.0):
    """The answer, once it has stayed the same for a while: plotly zooms in steps."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        before = page.evaluate(question)
        page.wait_for_timeout(600)
        if page.evaluate(question) == before:
            return before
    raise AssertionError("the page did not come to rest")


def test_both_models_are_shown_at_the_same_moment(compare):
    until(lambda: risks(compare, 0) == [0, 0.31, 0.83])
    until(lambda: risks(compare, 1) == [0.12, 0.44, 0.95])
    until(lambda: values(compare, "compare-scatter", 1, "x") == [0, 0.31, 0.83])
    assert values(compare, "compare-scatter", 1, "y") == [0.12, 0.44, 0.95]
    expect(compare.locator("#compare-title-0")).to_have_text("Linear attenuation")
    expect(compare.locator("#compare-lead")).to_have_text("Centrality 1 h earlier")
    expect(compare.locator("#compare-history-note")).to_have_text("3 final windows")
    assert compare.complaints == []


def test_new_values_arrive_without_the_zoom_being_lost(compare, served):
    until(lambda: risks(compare, 0) == [0, 0.31, 0.83])
    spans = "() => document.querySelector('#compare-map-0 .js-plotly-plot')._fullLayout.xaxis.range"
    before = compare.evaluate(spans)
    compare.locator("#compare-map-0").hover()
    compare.mouse.wheel(0, -400)
    until(lambda: compare.evaluate(spans) != before)
    zoomed = steady(compare, spans)
    served.answers["state/linear"]["risk"] = [0.2, 0.6, 0.7]
    served.answers["compare"]["top_k_overlap"] = 0.5
    until(lambda: risks(compare, 0) == [0.2, 0.6, 0.7])
    until(lambda: values(compare, "compare-scatter", 1, "x") == [0.2, 0.6, 0.7])
    expect(compare.locator("#compare-overlap")).to_have_text("0.50")
    assert compare.evaluate(spans) == zoomed


def test_a_click_in_the_scatter_leads_to_the_nodes_page(compare):
    until(lambda: values(compare, "compare-scatter", 1, "x") == [0, 0.31, 0.83])
    compare.locator("#compare-scatter .point").last.click(force=True)
    expect(compare.locator("#compare-picked")).to_contain_text("Wendlingen")
    until(lambda: values(compare, "compare-scatter", 2, "x") == [0.83])
    expect(compare.locator("#compare-picked a")).to_have_attribute("href", "/node/wendlingen")


def test_alarms_of_one_model_alone_are_links_to_their_nodes(compare):
    rows = compare.locator("#compare-only .ag-center-cols-container .ag-row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Centrality")
    expect(rows.first.locator("a")).to_have_attribute("href", "/node/wendlingen")
    expect(compare.locator("#compare-only-note")).to_contain_text("both 1")


def test_another_final_window_is_drawn(compare, served):
    until(lambda: values(compare, "compare-history", 1, "y") == [None, 0.33, 0.81])
    found = served.answers["compare/history"]
    found["points"].append(found["points"][-1] | {"window_end": "2019-01-15T18:00:00Z"})
    served.answers["state/linear"]["watermark"] = "2019-01-15T18:00:00Z"
    until(lambda: values(compare, "compare-history", 1, "y") == [None, 0.33, 0.81, 0.81])
    expect(compare.locator("#compare-history-note")).to_have_text("4 final windows")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_all_panels_fit_the_window_and_keep_their_size(compare, served, width, height):
    compare.set_viewport_size({"width": width, "height": height})
    panels = compare.locator(".panel, .kpi")
    before = [panel.bounding_box() for panel in panels.all()]
    assert all(box["x"] + box["width"] <= width for box in before)
    assert all(box["y"] + box["height"] <= height for box in before)
    served.answers["compare/history"]["points"] = []
    served.answers["compare/history"]["episodes"]["only"] = {}
    served.answers["state/linear"]["watermark"] = "2019-01-15T18:00:00Z"
    expect(compare.locator("#compare-history-empty")).to_have_text("No window is final yet.")
    expect(compare.locator("#compare-only")).to_contain_text("every alarm was raised by both")
    assert [panel.bounding_box() for panel in panels.all()] == before


def test_it_is_readable_on_a_phone(compare):
    compare.set_viewport_size({"width": 390, "height": 844})
    for panel in compare.locator(".panel, .kpi").all():
        box = panel.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
