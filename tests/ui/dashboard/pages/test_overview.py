"""The overview's ranking and zones."""

from dataclasses import replace

import pytest
from msgspec import structs

from tests.ui.literal_api import literal_api
from topology.clock import to_iso
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.client.strips import Strip
from ui.dashboard.pages.overview.open_alarms import last_peak, open_alarms
from ui.dashboard.pages.overview.timeline import timeline_update
from ui.dashboard.pages.overview.top import top_rows
from ui.dashboard.pages.overview.zones import chosen, zone_choices


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    with literal_api() as api:
        poller = Poller(ApiClient(api.url), clock=lambda: 1e9)
        found = poller.poll()
        poller.stop()
    return found


def test_the_ranking_is_by_risk_then_by_load_and_marks_the_selected_node(snapshot):
    rows = top_rows(snapshot, "linear", 10, "krummel")
    assert [row["node_id"] for row in rows] == ["wendlingen", "krummel", "diele"]
    assert [row["picked"] for row in rows] == [False, True, False]
    assert (rows[0]["risk"], rows[0]["level"], rows[1]["level"]) == ("0.83", "HIGH", "–")
    assert (rows[0]["load"], rows[0]["loading"], rows[0]["change"]) == ("690 MW", "99 %", "+0.10")
    assert (rows[2]["risk"], rows[2]["load"], rows[2]["loading"]) == ("0.00", "301 MW", "59 %")
    assert [row["node_id"] for row in top_rows(snapshot, "linear", 1)] == ["wendlingen"]


def test_in_calm_the_ranking_has_the_most_loaded_nodes(snapshot):
    view = snapshot.view("linear")
    calm = structs.replace(view.state, risk=[0.0] * 3, level=[""] * 3)
    rows = top_rows(replace(snapshot, models={"linear": replace(view, state=calm)}), "linear", 2)
    assert [(row["node_id"], row["loading"]) for row in rows] == [
        *(("wendlingen", "99 %"), ("krummel", "88 %"))
    ]
    unknown = structs.replace(calm, load_mw=[])
    rows = top_rows(replace(snapshot, models={"linear": replace(view, state=unknown)}), "linear", 2)
    assert [row["load"] for row in rows] == ["–", "–"]


def test_a_zone_filters_ranking_and_timeline(snapshot):
    rows = top_rows(snapshot, "linear", 10, zone="TenneT")
    assert [row["node_id"] for row in rows] == ["diele"]
    _, note, empty = timeline_update(snapshot, "linear", 0.0, drawn=False, zone="TenneT")
    assert note.startswith("▲ 0 raised")
    assert empty == "No alarms in the last 24 h of grid time in TenneT."


def test_the_zones_have_their_open_alarms(snapshot):
    found = [choice["label"] for choice in zone_choices(snapshot, "linear")]
    assert found == ["All zones", "50Hertz –", "TenneT –", "TransnetBW 1 H"]
    assert (chosen(None), chosen("*"), chosen("TenneT")) == ("", "", "TenneT")


def texts(children):
    """All texts below some components."""
    for child in children if isinstance(children, list) else [children]:
        if isinstance(child, str):
            yield child
        elif child is not None:
            yield from texts(getattr(child, "children", None))


def test_before_a_node_is_chosen_the_open_alarms_are_listed_the_highest_first(snapshot):
    assert list(texts(open_alarms(snapshot, "linear", ""))) == [
        "Open alarms, the highest first",
        "H",
        "Wendlingen",
        "690 MW, 99 % of rating · since 15 Jan 17:00",
    ]
    assert open_alarms(Snapshot(), "linear", "") == []


def test_in_calm_the_last_peak_of_the_run_is_named(snapshot):
    ends_s = [1_547_500_000.0 + 3600 * hour for hour in range(9)]
    risk = [0.1, 0.9, 0.2, 0.6, 0.8, 0.55, 0.3, 0.0, 0.95]
    strip = Strip(ends_s, risk, [0] * 9)
    then = to_iso(ends_s[7])
    assert last_peak(strip, 0.5, then) == "The last peak was 0.80 on 15 Jan 01:06."
    assert last_peak(strip, 0.97, then) == "None has been in this run so far."
    assert last_peak(None, 0.5, then) == ""
    (words,) = texts(open_alarms(snapshot, "linear", "TenneT", strip))
    assert words.startswith("No alarm is open. The last peak was")


def test_of_many_open_alarms_the_rest_is_counted(snapshot):
    view = snapshot.models["linear"]
    nodes = [f"n{i}" for i in range(14)]
    state = structs.replace(
        view.state,
        nodes=nodes,
        risk=[i / 20 for i in range(14)],
        level=["WARNING"] * 13 + ["CRITICAL"],
        load_mw=[],
    )
    many = replace(snapshot, models={"linear": replace(view, state=state)})
    found = list(texts(open_alarms(many, "linear", "")))
    assert found[1:3] == ["C", "n13"]
    assert found[-1] == "and 2 more"
