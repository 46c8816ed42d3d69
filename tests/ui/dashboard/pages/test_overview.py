"""The overview's ranking and zones."""

from dataclasses import replace

import pytest
from msgspec import structs

from tests.ui.literal_api import literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
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
