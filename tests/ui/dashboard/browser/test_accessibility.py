"""What helps people who do not see colours, do not use a mouse, or have a small screen."""

import time

import pytest

from tests.support import examples
from tests.support.browser import expect, until
from tests.ui.literal_api import answers

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
)

pytestmark = pytest.mark.browser

PAGES = {
    "overview": ("/", "#top .ag-row"),
    "node selected": ("/?model=linear&node=wendlingen", "#detail-values .level"),
    "side by side": ("/?model=both&node=wendlingen", "#map-second .point"),
    "compare": ("/compare", "#compare-only .ag-row"),
    "alarms": ("/alarms", "#alarms-table .ag-row"),
    "node": ("/node/wendlingen?model=linear", "#node-values-0 .level"),
    "unknown node": ("/node/wendlinge", "#node-unknown h2"),
    "system": ("/system", "#system-settings .ag-row"),
}
"""Address, and what is there when the page has its values, by name."""

IN_THE_GATE = {
    "light": set(PAGES),
    "dark": {"node selected", "alarms"},
    "on a phone": {"node selected", "compare"},
}
"""Pages that the gate shows in each form: every kind of panel in each. ``make explore`` has all."""

PHONE = {"width": 390, "height": 844}


COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""What the dark can change."""


def faults(page, options=None):
    """What axe holds to be serious or critical, with the elements, to be read in a failure."""
    asked = {"resultTypes": ["violations"], **(options or {})}
    found = axe.Axe().run(page, options=asked).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {node['target']} {node['failureSummary']}"
        for fault in found
        for node in fault["nodes"]
        if fault["impact"] in {"serious", "critical"}
    ]


def draw_tables(page):
    """Brings every table into sight: it draws itself only then, until then its grid is empty."""
    for table in page.locator(".ag-root-wrapper").all():
        table.scroll_into_view_if_needed()
        expect(table.locator(".ag-header-cell").first).to_be_visible()


@pytest.mark.explore
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_fault_in_light_in_the_dark_and_on_a_phone(open_page, api, name):
    api.answers |= answers(time.time(), ("linear", "centrality", "electrical"))
    path, ready = PAGES[name]
    page = open_page(path)
    for form, pages in IN_THE_GATE.items():
        if name not in pages and not examples.exploring():
            continue
        if form == "on a phone":
            page.set_viewport_size(PHONE)
        else:
            page.emulate_media(color_scheme=form, reduced_motion="reduce")
            expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", form)
        expect(page.locator(ready).first).to_be_visible()
        draw_tables(page)
        assert faults(page, COLOURS if form == "dark" else None) == []
        if form == "on a phone":
            assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]


def test_the_explanation_opens_by_keyboard_and_gives_the_focus_back(open_page):
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    expect(page.locator("#top .ag-row").first).to_be_visible()
    draw_tables(page)
    button = page.locator("#about-open")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="What is this?")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("not a probability")
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()


def test_the_keyboard_alone_changes_the_model_and_opens_a_node(open_page):
    page = open_page()
    expect(page.locator("#top .ag-row").first).to_contain_text("HIGH")
    tab_to(page, "#view input")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#top .ag-row").first).to_contain_text("CRITICAL")
    tab_to(page, "#top .ag-cell")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#pick")).to_have_value("Krümmel")
    expect(page.locator("#detail-title")).to_contain_text("Krümmel")
    expect(page.locator("#top .ag-row.picked")).to_contain_text("Krümmel")
    tab_to(page, "#detail-title a")
    page.keyboard.press("Enter")
    expect(page.locator("#node-title")).to_contain_text("Krümmel")


@pytest.mark.parametrize("name", ["node selected", "compare", "system"])
def test_tab_goes_through_the_whole_page_and_every_stop_is_seen(open_page, name):
    path, ready = PAGES[name]
    page = open_page(path)
    expect(page.locator(ready).first).to_be_visible()
    expect(page.locator("#time-play")).to_be_enabled()
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop, ringed = page.evaluate(FOCUS)
        if stop in ("", "skip-link") and stops:
            break
        assert ringed, f"nothing shows that {stop} has the focus"
        stops.append(stop)
    else:
        pytest.fail(f"the focus is caught in the page: {stops}")
    assert stops[:2] == ["skip-link", "nav-link"]
    assert {"time-play", "time-strip", "time-live", "scheme", "about-open"} < set(stops)


def test_side_by_side_keeps_the_node_panel_on_a_small_screen(open_page):
    page = open_page("/?model=both&node=wendlingen")
    expect(page.locator("#map-second .point").first).to_be_visible()
    expect(page.locator("#detail-title")).to_contain_text("Wendlingen")
    panels = [page.locator(f".{css}-panel").bounding_box() for css in ("map-second", "node")]
    assert panels[0]["y"] + panels[0]["height"] <= panels[1]["y"] < 760


def test_a_plot_that_was_hidden_stays_inside_its_panel(open_page):
    page = open_page("/?model=both&node=wendlingen", 1920, 1080)
    expect(page.locator("#detail-windows .trace").first).to_be_visible()
    until(lambda: page.evaluate(OVERFLOWS) == [])


FOCUS = """() => {
  const found = document.activeElement;
  if (found === document.body) return ["", true];
  const lined = (element) => {
    const style = element && getComputedStyle(element);
    return Boolean(style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1);
  };
  // A switch's input is unseen; its label wears the ring.
  return [found.id || found.classList[0] || found.tagName,
          lined(found) || lined(found.nextElementSibling)];
}"""

OVERFLOWS = """() => [...document.querySelectorAll(".main-svg")]
  .filter((plot) => plot.getBoundingClientRect().width >
                    plot.closest(".panel").getBoundingClientRect().width)
  .map((plot) => plot.closest(".dash-graph").id)"""


def tab_to(page, selector, most=40):
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"{most} Tabs do not reach {selector}")
