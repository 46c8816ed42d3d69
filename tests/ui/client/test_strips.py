from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.ui.literal_api import RUN, literal_api
from topology.clock import from_iso
from ui.client.http import ApiClient
from ui.client.strips import Strips


@pytest.fixture
def api():
    with literal_api() as server:
        yield server


@pytest.fixture
def strips(api):
    with ApiClient(api.url) as client:
        yield Strips(client)


def test_a_strip_is_asked_for_once_a_version_and_grows(api, strips):
    whole = api.answers["history/extremes/linear"]
    first = strips.get(RUN, "linear", 1)
    assert len(first.ends_s) == len(first.risk) == len(first.raised) == 42
    asked = len(api.asked)
    assert strips.get(RUN, "linear", 1) is first
    assert len(api.asked) == asked
    api.answers["history/extremes/linear"] = whole | {
        "window_end": ["2019-01-15T18:00:00Z"], "risk": [0.7], "raised": [2]
    }  # fmt: skip
    more = strips.get(RUN, "linear", 2)
    assert (more.risk[-1], more.raised[-1]) == (0.7, 2)
    assert more.ends_s == (*first.ends_s, from_iso("2019-01-15T18:00:00Z"))
    # One that is sent again is known.
    assert strips.get(RUN, "linear", 3) == more


def test_an_alarm_that_comes_after_its_window_is_found(api, strips):
    whole = api.answers["history/extremes/linear"]
    first = strips.get(RUN, "linear", 1)
    assert first.raised[-2:] == (0, 0)
    api.answers["history/extremes/linear"] = {
        **whole, **{name: whole[name][-24:] for name in ("window_end", "risk")},
        "raised": [*whole["raised"][-24:-1], 3],
    }  # fmt: skip
    later = strips.get(RUN, "linear", 2)
    assert later.raised == (*first.raised[:-1], 3)
    assert (later.ends_s, later.risk) == (first.ends_s, first.risk)


def test_a_strip_that_is_not_to_be_had_is_asked_for_again(api, strips):
    api.broken = True
    assert strips.get(RUN, "linear", 1) is None
    api.broken = False
    assert len(strips.get(RUN, "linear", 1).ends_s) == 42
    api.broken = True
    assert len(strips.get(RUN, "linear", 2).ends_s) == 42


def test_many_who_want_a_strip_ask_once(api, strips):
    with ThreadPoolExecutor(8) as viewers:
        found = list(viewers.map(lambda _: strips.get(RUN, "linear", 1), range(8)))
    assert all(one is found[0] for one in found)
    assert len(api.asked) == 1
