import time
from dataclasses import replace

import pytest
from dash import Patch, no_update
from msgspec import convert, structs
from plotly.graph_objects import Figure

from tests.ui.literal_api import RUN, answers, literal_api
from tests.ui.literal_api import record as literal_record
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.dashboard import create_dashboard
from ui.dashboard.figures.map_updates import moved_map, whole_map
from ui.dashboard.figures.timeline import SPANS
from ui.dashboard.pages.overview import timeline
from ui.dashboard.pages.overview.kpis import kpi_values, trend_style
from ui.dashboard.pages.overview.maps import shown_models
from ui.dashboard.pages.overview.selected_node import clicked_node
from ui.dashboard.pages.overview.timeline import timeline_update
from ui.dashboard.panels import detail
from ui.dashboard.serving.app import PAGES
from ui.dashboard.shell.header import model_options, nav_links
from ui.dashboard.shell.shell import describe_run, freshness
from ui.dashboard.shell.status import status_of
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import grid_mark, neighbours_of
from ui.schema.runs import RunInfo, RunRecord

NOW = 1e9


@pytest.fixture(scope="module")
def polled():
    """A poller after one poll of a real server."""
    with literal_api() as api:
        poller = Poller(ApiClient(api.url), clock=lambda: NOW)
        poller.poll()
        yield poller
        poller.stop()


@pytest.fixture
def snapshot(polled):
    return polled.snapshot()


def text_of(component):
    """All the text of a component tree."""
    if component is None:
        return ""
    if isinstance(component, (str, int, float)):
        return str(component)
    if isinstance(component, (list, tuple)):
        return " ".join(text_of(part) for part in component)
    return text_of(getattr(component, "children", None))


def test_a_page_is_served_from_this_process_alone(polled):
    client = create_dashboard(polled).server.test_client()
    page = client.get("/").text
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy


def test_the_whole_page_has_exactly_one_clock(polled):
    def count(component):
        children = getattr(component, "children", None) or []
        rows = children if isinstance(children, (list, tuple)) else [children]
        own = type(component).__name__ == "Interval"
        return own + sum(count(row) for row in rows if not isinstance(row, str))

    assert count(create_dashboard(polled).validation_layout) == 1


def test_every_callback_speaks_of_components_that_exist(polled):
    app = create_dashboard(polled)
    ids = set()

    def collect(component):
        if isinstance(getattr(component, "id", None), str):
            ids.add(component.id)
        children = getattr(component, "children", None)
        for child in children if isinstance(children, (list, tuple)) else [children]:
            if child is not None and not isinstance(child, str):
                collect(child)

    collect(app.validation_layout)
    app._setup_server()
    used = {
        dependency["id"]
        for callback in app.callback_map.values()
        for dependency in [*callback["inputs"], *callback["state"]]
        if not dependency["id"].startswith("{")
    }
    assert used <= ids


def test_the_overview_is_the_first_page():
    assert PAGES[0].path == "/"


def test_the_cards_show_the_figures_with_their_meaning(snapshot):
    linear = kpi_values(snapshot, "linear")
    assert (linear["alarms"].value, linear["alarms"].detail) == (
        "1",
        "0 critical · 1 high · 0 warning",
    )
    assert (linear["affected"].value, linear["affected"].detail) == ("2", "of 3 nodes: risk ≥ 0.05")
    assert linear["highest"].value == "0.83"
    assert linear["highest"].detail == "Wendlingen, 690 MW, 99 % of rating"
    assert linear["time"].value == "Tue 15 Jan 2019 18:00"
    assert linear["time"].detail == "1 h of grid time a second"
    assert kpi_values(snapshot, "centrality")["average"].value == "0.50"


def test_without_data_the_cards_claim_nothing():
    values = kpi_values(Snapshot(), "linear")
    assert {value.value for value in values.values()} == {"–"}


def test_the_first_map_is_whole_and_later_ones_are_patches(snapshot):
    figure, mark = whole_map(snapshot, "linear", None)
    assert isinstance(figure, Figure)
    patch = moved_map(snapshot, "centrality", "diele", mark)
    assert isinstance(patch, Patch)
    places = {tuple(step["location"]): step["params"] for step in operations(patch)}
    assert places["data", 4, "marker", "color"] == {"value": [0.12, 0.44, 0.95]}
    assert places["data", 5, "text"] == {"value": ["C"]}
    assert places["data", 3, "x"] == {"value": [7.31]}
    assert not any("layout" in place for place in places)


def operations(patch):
    return patch.to_plotly_json()["operations"]


def test_values_do_not_move_on_the_map_of_another_grid(snapshot):
    _, mark = whole_map(snapshot, "linear", None)
    other = replace(snapshot, grid=structs.replace(snapshot.grid, name="other"))
    assert moved_map(other, "linear", None, mark) is no_update
    assert moved_map(snapshot, "linear", None, mark, "dark") is no_update
    assert whole_map(other, "linear", None)[1] == grid_mark(other.grid) != mark


def test_before_the_first_grid_nothing_is_drawn():
    assert whole_map(Snapshot(), "linear", None) == (no_update, no_update)
    assert moved_map(Snapshot(), "linear", None, None) is no_update


def test_the_timeline_counts_what_it_shows_and_is_patched(snapshot):
    figure, note, empty = timeline_update(snapshot, "linear", NOW, drawn=False)
    assert isinstance(figure, Figure)
    assert (note, empty) == ("▲ 1 raised · ◆ 0 escalated · ○ 0 cleared", "")
    patch, _, _ = timeline_update(snapshot, "linear", NOW, drawn=True)
    assert isinstance(patch, Patch)


def test_a_timeline_of_more_alerts_than_are_shown_says_so(snapshot, monkeypatch):
    monkeypatch.setattr(timeline, "ALERTS", 1)
    _, note, _ = timeline_update(snapshot, "linear", NOW, drawn=True)
    assert note.startswith("newest 1 of the grid: ▲ 1 raised")


def test_a_quiet_timeline_says_so(snapshot):
    _, note, empty = timeline_update(
        snapshot, "linear", NOW + 3600, drawn=True, span=SPANS["minutes"]
    )
    assert note.startswith("▲ 0 raised")
    assert empty == "No alarms in the last 10 minutes."


def test_a_moment_is_shown_with_its_day(snapshot):
    then = replace(snapshot, at="2019-01-15T18:00Z")
    _, note, empty = timeline_update(then, "linear", NOW + 3600, drawn=True, span=SPANS["minutes"])
    assert (note[:10], empty) == ("▲ 1 raised", "")


@pytest.mark.parametrize(
    ("where", "value", "node"),
    [
        ("map", {"points": [{"customdata": "diele"}]}, "diele"),
        ("map", {"points": [{}]}, None),
        ("timeline", {"points": [{"customdata": "diele"}]}, "diele"),
        ("top", {"rowId": "diele"}, "diele"),
        ({"type": "goto", "place": "source", "node": "diele"}, 1, "diele"),
        ({"type": "goto", "place": "source", "node": "diele"}, None, None),
        ("map", None, None),
    ],
)
def test_a_click_anywhere_names_its_node(where, value, node):
    assert clicked_node(where, value) == node


def test_the_detail_tells_why_a_node_is_stressed(polled):
    found = polled.node("wendlingen", "linear")
    names = {"krummel": "Krümmel", "diele": "Diele"}
    assert "0.83" in text_of(detail.values(found))
    assert "HIGH" in text_of(detail.values(found))
    assert text_of(detail.sources(found.sources, names)).split() == [
        "Krümmel",
        "60%",
        "Diele",
        "40%",
    ]
    assert "HIGH raised" in text_of(detail.alerts(found.alerts))
    assert "none in this run" in text_of(detail.alerts([]))
    assert "No stress in this window" in text_of(detail.sources([], names))
    assert "not kept" in text_of(detail.sources([], names, 0.4))


def test_a_nodes_neighbours_are_those_one_line_away(snapshot):
    assert neighbours_of(snapshot.grid, "krummel") == ["diele", "wendlingen"]
    assert neighbours_of(snapshot.grid, "diele") == ["krummel"]


def test_the_search_offers_every_node_by_zone(snapshot):
    groups = {group["group"]: group["items"] for group in detail.node_options(snapshot.grid)}
    assert list(groups) == ["50Hertz", "TenneT", "TransnetBW"]
    assert groups["50Hertz"] == [{"value": "krummel", "label": "Krümmel"}]


def test_the_page_says_which_run_it_is_and_that_its_data_are_made_up(snapshot):
    run, run_tip, text, badge, tip, credit, about = describe_run(snapshot)
    assert run == f"run {RUN}"
    assert run_tip == f"{RUN}, from synthetic-2025"
    assert (text, badge) == ("synthetic data", "badge")
    assert "made up by a generator" in tip
    assert credit == "A demonstration. Hand-made. Made of statistics."
    assert "not a probability" in text_of(about)
    assert "6 h window" in text_of(about)
    assert "hidden" in describe_run(Snapshot())[3]


@pytest.mark.parametrize(
    ("name", "record", "text", "hidden", "tip"),
    [
        ("synthetic-2025", {"synthetic": False}, "", True, ""),
        ("opsd-2019", {"synthetic": True}, "synthetic data", False, "made up by a generator"),
        ("synthetic-2025", {"synthetic": None}, "origin unknown", False, "did not say"),
        ("synthetic-2025", None, "origin unknown", False, "no record"),
    ],
)
def test_whether_data_are_made_up_is_said_by_the_record_and_not_by_the_name(
    snapshot, name, record, text, hidden, tip
):
    known = None if record is None else convert(literal_record(**record), RunRecord)
    run = RunInfo(name, None, None, ended=False, published_at=0.0, record=known)
    _, _, badge, css, title, *_ = describe_run(replace(snapshot, run=run))
    assert (badge, "hidden" in css) == (text, hidden)
    assert tip in title


def test_no_model_is_offered_before_it_is_known_which_there_are():
    assert model_options(None, both=True) == []


def fresh(snapshot, **changes):
    """The snapshot as if its shards had published just now."""
    return replace(snapshot, answered_at=NOW, **changes)


def test_a_live_page_says_live(snapshot):
    status = status_of(fresh(snapshot), NOW)
    assert status.kind == "live"


def test_a_page_that_never_had_an_answer_waits_and_says_for_whom():
    status = status_of(Snapshot(error="no worker answered (http://127.0.0.1:1: …)"), NOW)
    assert status.kind == "waiting"
    assert "http://127.0.0.1:1" in status.detail


def test_values_of_a_worker_that_is_gone_are_stale_and_have_an_age(snapshot):
    status = status_of(fresh(snapshot, error="no worker answered"), NOW + 14)
    assert status.kind == "gone"
    assert "14 s old" in status.detail


def test_a_worker_that_hangs_is_as_good_as_gone(snapshot):
    assert status_of(fresh(snapshot), NOW + 7).kind == "gone"


def test_a_worker_without_a_run_asks_for_a_replay(snapshot):
    status = status_of(fresh(snapshot, run=None), NOW)
    assert status.kind == "waiting"
    assert "gridstress replay" in status.detail


def test_shards_that_publish_no_more_are_named(snapshot):
    status = status_of(replace(snapshot, answered_at=NOW + 30), NOW + 30)
    assert status.kind == "quiet"
    assert "30 s" in status.detail


def test_an_ended_run_says_so():
    found = answers()
    found["runs"]["runs"][0]["ended"] = True
    with literal_api(found=found) as api:
        poller = Poller(ApiClient(api.url))
        snapshot = poller.poll()
        poller.stop()
    assert status_of(snapshot, time.time()).kind == "ended"


def test_a_run_that_other_settings_have_ended_says_so(snapshot):
    run = structs.replace(snapshot.run, settings_changed=True)
    status = status_of(fresh(snapshot, run=run), NOW)
    assert (status.kind, status.title) == ("ended", "Run ended by other settings")
    assert "what came later is not counted" in status.detail
    earlier = status_of(fresh(snapshot, run=structs.replace(run, run="before")), NOW)
    assert earlier.detail.endswith(f"The newest run is {run.run}.")


def test_a_starting_worker_says_so():
    found = answers()
    found["health"]["status"] = "starting"
    with literal_api(found=found) as api:
        poller = Poller(ApiClient(api.url))
        snapshot = poller.poll()
        poller.stop()
    assert status_of(snapshot, time.time()).kind == "starting"


@pytest.mark.parametrize(
    ("seconds", "text"), [(8, "8 s"), (180, "3 min"), (7200, "2 h"), (400_000, "4 d")]
)
def test_ages_are_in_their_natural_unit(seconds, text):
    assert formatting.age(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "in real time"),
        (60, "60 s of grid time a second"),
        (900, "15 min of grid time a second"),
        (3590, "1 h of grid time a second"),
        (9000, "2.5 h of grid time a second"),
        (None, ""),
    ],
)
def test_speeds_are_put_in_words(value, text):
    assert formatting.speed(value) == text


def test_a_risk_is_never_rounded_up_to_certainty():
    assert formatting.score(0.9999) == ">0.99"
    assert formatting.score(None) == "–"
    assert formatting.change(-0.123) == "−0.12"
    assert formatting.change(0.001) == "±0.00"


def test_a_worker_that_takes_long_is_called_slow_before_it_is_called_gone(snapshot):
    waited = status_of(fresh(snapshot), NOW + 4)
    assert waited.kind == "slow"
    took = status_of(fresh(snapshot, took_s=3.0), NOW)
    assert took.kind == "slow"
    assert "3 s" in took.detail


def test_only_the_overview_offers_side_by_side(snapshot):
    assert [o["value"] for o in model_options(snapshot.grid)] == ["linear", "centrality"]
    assert model_options(snapshot.grid, both=True)[-1]["label"] == "Side by side"


def test_a_page_that_needs_an_address_is_not_in_the_navigation():
    shown = [link.children.href for link in nav_links(PAGES, "/")]
    assert shown == [page.path for page in PAGES if not page.below]
    current = [link.children.href for link in nav_links(PAGES, "/") if link.className]
    assert current == ["/"]


def test_side_by_side_puts_the_first_model_on_the_left(snapshot):
    assert shown_models(snapshot.grid, "both", "centrality", None) == ("linear", "centrality")
    assert shown_models(snapshot.grid, "centrality", "centrality", None) == ("centrality", None)


def test_a_trend_of_one_value_draws_nothing_and_a_steady_one_a_level_line():
    assert trend_style([0.3]) == {"visibility": "hidden"}
    assert "0,13 100,13" in trend_style([0.3, 0.3])["maskImage"]
    assert "0,24 100,24" in trend_style([0, 0])["maskImage"]
    assert "0,24 100,2'" in trend_style([0.1, 0.4])["maskImage"]


def test_the_values_are_as_old_as_the_oldest_shard(snapshot):
    view = snapshot.view("linear")
    late = structs.replace(view.state.parts[0], published_at=NOW - 7)
    state = structs.replace(view.state, parts=[late, view.state.parts[1]])
    aged = replace(snapshot, models={"linear": replace(view, state=state)})
    assert freshness(aged, NOW) == {"published_at": NOW - 7, "now": NOW}
    assert freshness(Snapshot(), NOW) is None
