"""The time bar in a real browser."""

from itertools import cycle

import pytest

from tests.support.browser import address_ends, address_has, expect, trace, until
from tests.ui.literal_api import LAST, answers

pytestmark = pytest.mark.browser

EARLY = "2019-01-14T10:00Z"
LATE = "2019-01-15T09:00Z"
"""When alarms were raised."""


@pytest.fixture
def watched(open_page, api):
    """The overview, live; at an early moment there was another risk."""
    for moment, risk in ((EARLY, 0.6), (LATE, 0.5)):
        api.answers[moment] = answers()
        api.answers[moment]["state/linear"]["risk"] = [0.0, 0.0, risk]
    page = open_page()
    until(lambda: highest(page) == 0.83)
    expect(page.locator("#time-text")).to_have_text("live")
    until(lambda: page.locator("#time-previous").is_enabled())
    # Else the model would stand behind the moment that a test goes to.
    address_ends(page, "/?model=linear")
    return page


def highest(page):
    risks = trace(page, "map", "nodes", "marker.color")
    return max(risks) if risks else None


def at_part(page, part):
    """Press the mouse at a part of the strip; two days wide, from 0 o'clock on."""
    box = page.locator("#time-strip").bounding_box()
    page.mouse.move(box["x"] + part * box["width"], box["y"] + box["height"] / 2)


def test_alarms_are_gone_to_and_live_is_found_again(watched):
    assert watched.locator("#time-next").is_disabled()
    expect(watched.locator("#replay-box")).to_be_hidden()  # no replay is there
    watched.locator("#time-previous").click()
    until(lambda: highest(watched) == 0.5)
    address_ends(watched, f"at={LATE}")
    watched.locator("#time-previous").click()
    until(lambda: highest(watched) == 0.6)
    address_ends(watched, f"at={EARLY}")
    expect(watched.locator("#time-text")).to_have_text("14 Jan 2019 10:00")
    assert watched.locator("#time-previous").is_disabled()
    watched.locator("#time-next").click()
    address_ends(watched, f"at={LATE}")
    watched.keyboard.press("l")
    until(lambda: highest(watched) == 0.83)
    expect(watched.locator("#status-title")).to_have_text("Live")
    address_ends(watched, "model=linear")


def test_the_strip_is_dragged_and_the_map_follows(watched):
    at_part(watched, 0.75)
    watched.mouse.down()
    address_ends(watched, "at=2019-01-15T12:00Z")
    at_part(watched, 10 / 48)
    until(lambda: highest(watched) == 0.6)
    watched.mouse.up()
    at_part(watched, 0.9)
    address_ends(watched, f"at={EARLY}")
    # Behind the last hour the right end is live.
    watched.mouse.down()
    watched.mouse.up()
    until(lambda: highest(watched) == 0.83)
    expect(watched.locator("#time-text")).to_have_text("live")


def test_while_it_is_dragged_the_maps_alone_follow_and_all_else_when_it_rests(watched):
    move = dragged(watched)
    until(lambda: move() or highest(watched) == 0.6)
    assert "following" in classes(watched)
    assert watched.locator("#status-title").text_content() == "Live"
    until(lambda: "following" not in classes(watched))
    expect(watched.locator("#status-title")).not_to_have_text("Live")
    watched.mouse.up()
    address_ends(watched, f"at={EARLY}")


def test_a_drag_that_ends_where_it_began_shows_that_moment_again(watched):
    move = dragged(watched)
    until(lambda: move() or highest(watched) == 0.6)
    at_part(watched, 1)
    watched.mouse.up()
    expect(watched.locator("#time-text")).to_have_text("live")
    until(lambda: highest(watched) == 0.83)
    assert "following" not in classes(watched)


def test_a_window_that_comes_does_not_end_a_drag(watched, api):
    move = dragged(watched)
    came = watched.locator("#time-strip")
    before = came.get_attribute("aria-valuemax")
    found = api.answers["history/extremes/linear"]
    found["window_end"].append("2019-01-15T18:00:00Z")
    found["risk"].append(0.2)
    found["raised"].append(0)
    api.answers["state/linear"]["watermark"] = "2019-01-15T18:00:00Z"

    until(lambda: move() or came.get_attribute("aria-valuemax") != before)
    expect(watched.locator("#time-text")).to_have_text("14 Jan 2019 10:00")
    watched.mouse.up()
    address_ends(watched, f"at={EARLY}")
    until(lambda: highest(watched) == 0.6)


def dragged(page):
    """Press the mouse at the early hour; what is given moves it within that hour."""
    at_part(page, 10.5 / 48)
    page.mouse.down()
    hours = cycle((10.2, 10.4))
    return lambda: at_part(page, next(hours) / 48)


def classes(page):
    return page.evaluate("document.documentElement.className")


def test_arrows_go_by_hours_and_days(watched):
    watched.locator("#time-strip").focus()
    watched.keyboard.press("ArrowLeft")
    address_ends(watched, "at=2019-01-15T16:00Z")
    watched.keyboard.press("Shift+ArrowLeft")
    address_ends(watched, "at=2019-01-14T16:00Z")
    watched.keyboard.press("ArrowRight")
    address_ends(watched, "at=2019-01-14T17:00Z")
    # In a field they move the cursor.
    watched.locator("#pick").fill("dl")
    watched.locator("#pick").press("ArrowLeft")
    watched.locator("#pick").press("l")
    address_ends(watched, "at=2019-01-14T17:00Z")


def test_a_moment_is_played_on_to_the_end(watched):
    watched.locator("#time-speed").get_by_text("1 day/s").click()
    watched.locator("#time-previous").click()
    address_ends(watched, f"at={LATE}")
    watched.locator("#time-play").click()
    expect(watched.locator("#time-text")).to_have_text("live")
    until(lambda: highest(watched) == 0.83)
    watched.locator("#time-play").click()
    address_ends(watched, f"at={LAST}")


@pytest.mark.parametrize("path", ["/alarms", "/compare", "/system", "/node/diele"])
def test_an_address_opens_its_moment_on_every_page(open_page, api, path):
    api.answers[EARLY] = answers()
    page = open_page(f"{path}?at={EARLY}")
    expect(page.locator("#status-title")).to_have_text("A moment")
    expect(page.locator("#time-text")).to_have_text("14 Jan 2019 10:00")
    address_has(page, f"at={EARLY}")


@pytest.mark.parametrize("at", ["2030-01-01T00:00Z", "yesterday"])
def test_an_address_with_no_moment_of_the_run_is_live(open_page, api, at):
    page = open_page(f"/alarms?at={at}")
    expect(page.locator("#alarms-count")).to_have_text("4 episodes")
    address_ends(page, "/alarms")
    expect(page.locator("#status-title")).to_have_text("Live")


def test_a_moment_that_is_not_kept_says_so(open_page, api):
    api.answers[EARLY] = {name: None for name in api.answers if name.startswith("state/")}
    page = open_page(f"/?at={EARLY}")
    expect(page.locator("#status-title")).to_have_text("Not kept")
    expect(page.locator("#status-detail")).to_contain_text("Mon 14 Jan 2019 10:00")


def test_back_to_another_run_finds_its_moment_again(open_page, api):
    old = "opsd-1"
    api.answers["runs"]["runs"].append(
        {"run": old, "event_time": "2019-01-15T18:00:00Z", "watermark": "2019-01-15T18:00:00Z",
         "ended": True, "published_at": 5.0}
    )  # fmt: skip
    api.answers[old] = answers()
    for model in ("linear", "centrality"):
        api.answers[old][f"state/{model}"]["run"] = old
        api.answers[old][f"history/extremes/{model}"]["run"] = old
    page = open_page(f"/?run={old}&at={EARLY}")
    expect(page.locator("#status-title")).to_have_text("A moment")
    page.locator("#nav").get_by_text("Alarms").click()
    address_has(page, f"at={EARLY}")
    page.locator("#run-pick").click()
    page.get_by_role("option", name="Newest").click()
    expect(page.locator("#time-text")).to_have_text("live")
    page.go_back()
    expect(page.locator("#run")).to_have_text(f"run {old}")
    expect(page.locator("#time-text")).to_have_text("14 Jan 2019 10:00")
    address_has(page, f"at={EARLY}")


def test_home_and_end_lead_to_the_beginning_and_to_live(watched):
    assert watched.locator("#time-strip").get_attribute("aria-valuenow") != "0"
    watched.locator("#time-strip").focus()
    watched.keyboard.press("Home")
    address_ends(watched, "at=2019-01-14T00:00Z")
    watched.keyboard.press("End")
    expect(watched.locator("#time-text")).to_have_text("live")


@pytest.fixture
def half_minutes(api):
    """Windows of half a minute, before the dashboard asks for the grid for the first time."""
    api.answers["2019-01-14T10:00:30Z"] = answers()
    for model in ("linear", "centrality"):
        api.answers[f"history/extremes/{model}"] |= {
            "window_end": ["2019-01-14T10:00:00Z", "2019-01-14T10:00:30Z", "2019-01-14T10:01:00Z"],
            "risk": [0.1] * 3, "raised": [0] * 3,
        }  # fmt: skip
    api.answers["grid"]["settings"]["step_s"] = 30


def test_a_time_without_a_zone_is_utc_and_seconds_are_kept(half_minutes, open_page):
    page = open_page("/alarms?at=2019-01-14T10:00:30")
    address_has(page, "at=2019-01-14T10:00:30Z")
    expect(page.locator("#status-title")).to_have_text("A moment")


def test_the_windows_title_counts_thousands(open_page):
    page = open_page("/alarms")
    expect(page.locator("#time-text")).to_have_text("live")
    page.evaluate('() => dash_clientside.gridstress.title("Alarms", "1,234 open alarms")')
    assert page.title() == "(1,234) Alarms"
