"""The auditor's badge in the header, in a real browser."""

import time

import pytest

from tests.support.browser import expect, until

pytestmark = pytest.mark.browser

UNTIL = "2019-01-15T14:00:00Z"


def audit(age_s=0.0, **fields):
    model = {"verified_until": UNTIL, "differences": 0}
    return {
        "state": "verified", "measured_until": UNTIL, "differences": 0, "first": [], "reason": "",
        "models": {"linear": model, "centrality": model}, "updated_at": time.time() - age_s,
        **fields,
    }  # fmt: skip


def test_the_header_says_how_far_the_run_is_audited_and_what_was_found(open_page, api):
    (run,) = api.answers["runs"]["runs"]
    page = open_page()
    page.set_viewport_size({"width": 1920, "height": 1080})
    badge = page.locator("#audit")
    expect(badge).to_be_hidden()
    run["audit"] = audit()
    expect(badge).to_have_text("audited until 14:00 · 0 differences")
    expect(badge).to_have_class("badge audit-equal")
    run["audit"] = audit(state="different", differences=2, first=["a window is missing"])
    expect(badge).to_have_text("2 differences")
    expect(badge).to_have_attribute(
        "title", "2 differences found by the auditor; the first: a window is missing"
    )
    run["audit"] = audit(state="different", differences=3, first=["a window is missing"])
    expect(badge).to_have_text("3 differences")
    run["audit"] = audit(age_s=90.0)
    expect(badge).to_be_hidden()


@pytest.mark.parametrize("width", [1920, 1440, 1280, 390])
def test_the_badge_is_seen_whole_beside_that_of_the_origin(open_page, api, width):
    (run,) = api.answers["runs"]["runs"]
    run["audit"] = audit()
    page = open_page()
    page.set_viewport_size({"width": width, "height": 844})
    badge = page.locator("#audit")
    expect(badge).to_be_visible()
    more = badge.locator(".badge-more")
    expect(more).to_be_visible(visible=width in (1920, 390))

    def whole():
        box, line = badge.bounding_box(), page.locator(".run-line").bounding_box()
        inside = line["x"] <= box["x"] and box["x"] + box["width"] <= line["x"] + line["width"]
        return inside and box["x"] + box["width"] <= width

    until(whole)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
