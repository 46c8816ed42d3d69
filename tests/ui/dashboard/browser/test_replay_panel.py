"""The replay in one's own hands, in a real browser."""

import pytest

from tests.support.browser import expect, until
from tests.ui.literal_api import RUN, replay

pytestmark = pytest.mark.browser


@pytest.fixture
def panel(open_page, api):
    api.answers["replays"] = {"replays": [replay()]}
    page = open_page()
    expect(page.locator("#replay-state")).to_have_text("1 h/s")
    page.locator("#replay-box summary").click()
    expect(page.locator("#replay-line")).to_contain_text(f"Run {RUN}, at 15 Jan 2019 18:00")
    return page


def shows(api, **changes):
    api.answers["replays"] = {"replays": [replay(**changes)]}


def test_it_is_paused_resumed_and_stopped(panel, api):
    panel.get_by_role("button", name="Pause").click()
    until(lambda: [one["command"] for one in api.commands] == ["pause"])
    shows(api, state="paused")
    expect(panel.locator("#replay-state")).to_have_text("paused")
    expect(panel.locator("#status-title")).to_have_text("Replay paused")
    panel.get_by_role("button", name="Resume").click()
    until(lambda: [one["command"] for one in api.commands] == ["pause", "resume"])
    shows(api, state="waiting", next=None)
    expect(panel.locator("#replay-state")).to_have_text("waits")
    assert panel.locator("#replay-step").is_disabled()
    expect(panel.locator("#replay-line")).to_contain_text("nothing is being sent")


def test_the_speed_changes_by_hand_alone_and_a_new_run_begins_where_the_view_stands(panel, api):
    def chosen():
        return panel.locator("#replay-speed input:checked").get_attribute("value")

    until(lambda: chosen() == "3600")
    shows(api, speed="auto", hurries=True)
    until(lambda: chosen() == "auto")
    expect(panel.locator("#replay-state")).to_have_text("hurries through calm")
    panel.locator("#replay-speed").get_by_text("1 day/s").click()
    until(lambda: api.commands)
    assert [(one["command"], one["speed"]) for one in api.commands] == [("speed", "86400")]
    shows(api, speed="86400")
    expect(panel.locator("#replay-state")).to_have_text("24 h/s")
    assert len(api.commands) == 1
    api.commands.clear()
    # A new run begins where the view stands, and a refusal is read.
    until(lambda: panel.locator("#time-previous").is_enabled())
    panel.locator("#time-previous").click()
    panel.get_by_role("button", name="Start anew from 15 Jan 2019 09:00").click()
    until(lambda: api.commands)
    assert [(one["command"], one["begin"]) for one in api.commands] == [
        ("start", "2019-01-15T09:00Z")
    ]
    api.refused = "the replay does not answer"
    panel.get_by_role("button", name="Step").click()
    expect(panel.locator("#replay-said")).to_have_text("the replay does not answer")


def test_a_click_elsewhere_or_escape_closes_the_panel(panel):
    line = panel.locator("#replay-line")
    expect(line).to_be_visible()
    panel.locator("#kpi-alarms").click()
    expect(line).to_be_hidden()
    panel.locator("#replay-box summary").click()
    expect(line).to_be_visible()
    panel.keyboard.press("Escape")
    expect(line).to_be_hidden()
    assert panel.evaluate("document.activeElement.tagName") == "SUMMARY"
