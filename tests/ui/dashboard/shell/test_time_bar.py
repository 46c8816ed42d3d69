from base64 import b64decode

import pytest

from ui.client.strips import Strip
from ui.dashboard.shell.time_bar import UNKNOWN, strip_news

HOUR = 3600


def strip(*places: int, raised: tuple[int, ...] = ()) -> Strip:
    ends = tuple(1e9 + HOUR * place for place in places)
    risk, alarms = (place / 10 for place in places), (int(p in raised) for p in places)
    return Strip(ends, tuple(risk), tuple(alarms))


def test_a_browser_is_sent_what_it_lacks():
    known = {"run": "r", "model": "linear", "windows": 2, "alarms": 1}
    whole = strip(0, 1, 2, 3, raised=(0, 3))
    first = strip_news(whole, "r", "linear", HOUR, None)
    assert (first["begin"], first["alarms"], first["windows"]) == (0, [0, 3], 4)
    assert list(b64decode(first["risk"])) == [0, 25, 51, 76]
    news = strip_news(whole, "r", "linear", HOUR, known)
    assert (news["begin"], news["alarms"], news["windows"]) == (2, [3], 4)
    assert list(b64decode(news["risk"])) == [51, 76]
    assert strip_news(whole, "r", "linear", HOUR, known | {"windows": 4, "alarms": 2}) is None
    assert strip_news(strip(), "r", "linear", HOUR, None) is None


def test_a_browser_that_missed_an_alarm_is_sent_all():
    known = {"run": "r", "model": "linear", "windows": 3, "alarms": 0}
    news = strip_news(strip(0, 1, 2, raised=(2,)), "r", "linear", HOUR, known)
    assert (news["begin"], news["alarms"]) == (0, [2])


@pytest.mark.parametrize(
    "known",
    [
        7,
        [],
        {},
        {"run": "r", "model": "linear", "windows": -9, "alarms": 0},
        {"run": "r", "model": "linear", "windows": "2", "alarms": 0},
        {"run": "r", "model": "linear", "windows": 9, "alarms": 0},
    ],
)
def test_a_browser_that_says_odd_things_is_sent_all(known):
    assert strip_news(strip(0, 1), "r", "linear", HOUR, known)["begin"] == 0


def test_another_run_or_model_is_sent_whole():
    known = {"run": "r", "model": "linear", "windows": 2, "alarms": 0}
    for run, model in (("s", "linear"), ("r", "centrality")):
        assert strip_news(strip(0, 1), run, model, HOUR, known)["begin"] == 0


def test_hours_that_are_missing_stay_empty():
    news = strip_news(strip(0, 1, 4), "r", "linear", HOUR, None)
    assert list(b64decode(news["risk"])) == [0, 25, UNKNOWN, UNKNOWN, 102]
    known = {"run": "r", "model": "linear", "windows": 2, "alarms": 0}
    news = strip_news(strip(0, 1, 4, raised=(4,)), "r", "linear", HOUR, known)
    assert (news["begin"], news["alarms"]) == (2, [4])
    assert list(b64decode(news["risk"])) == [UNKNOWN, UNKNOWN, 102]
