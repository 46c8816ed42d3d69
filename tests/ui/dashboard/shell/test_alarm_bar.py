from dataclasses import replace

import pytest
from msgspec import structs

from tests.ui.dashboard.test_dashboard import text_of
from tests.ui.literal_api import literal_api
from topology.clock import from_iso
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.client.strips import Strip
from ui.dashboard.shell.alarm_bar import bar_of


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    with literal_api() as api, ApiClient(api.url) as client:
        return Poller(client).poll()


def with_alarms(snapshot: Snapshot, **counts: int) -> Snapshot:
    view = snapshot.view("linear")
    kpis = structs.replace(view.state.kpis, active_alarms=counts)
    state = structs.replace(view.state, kpis=kpis)
    return replace(snapshot, models={"linear": replace(view, state=state)})


def test_open_alarms_are_counted_the_worst_first(snapshot):
    words, css, title = bar_of(with_alarms(snapshot, WARNING=8, HIGH=0, CRITICAL=1), "linear")
    assert text_of(words).split() == ["1", "CRITICAL", "8", "WARNING"]
    assert css == "alarm-bar alarm-critical"
    assert title == "9 open alarms"


def test_in_calm_it_says_for_how_long(snapshot):
    calm = with_alarms(snapshot, WARNING=0, HIGH=0, CRITICAL=0)
    words, css, title = bar_of(calm, "linear")
    assert (text_of(words).strip(), css, title) == ("No open alarm", "alarm-bar", "")
    view = calm.view("linear")
    cleared = structs.replace(view.alerts[0], state="CLEARED")
    words, _, _ = bar_of(
        replace(calm, models={"linear": replace(view, alerts=(cleared,))}), "linear"
    )
    assert text_of(words) == "No open alarm calm for 60 min"
    # What was cleared longer ago is not known: the run's strip has when alarms were raised.
    calm = replace(calm, models={"linear": replace(view, alerts=())})
    ends_s = tuple(from_iso(f"2019-01-{day}T09:00Z") for day in (13, 14, 16))
    strip = Strip(ends_s, (0.6, 0.7, 0.8), (1, 2, 1))
    words, _, _ = bar_of(calm, "linear", strip)
    assert text_of(words) == "No open alarm the last one was raised 14 Jan 09:00"
    # Of a moment the next one is known, too.
    words, _, _ = bar_of(replace(calm, at="2019-01-15T18:00Z"), "linear", strip)
    assert text_of(words).endswith("next alarm ▶")


def test_before_the_first_data_it_says_so():
    assert bar_of(Snapshot(), "linear") == ("no data yet", "alarm-bar", "")
