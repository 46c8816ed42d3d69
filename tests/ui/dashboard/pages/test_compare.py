from dataclasses import replace

import msgspec
import pytest
from dash import Patch, no_update
from msgspec import structs

from tests.ui import literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.dashboard.figures.map_nodes import FOREMOST
from ui.dashboard.pages.compare import history_figure, scatter_figure
from ui.dashboard.pages.compare import panels as panel
from ui.dashboard.pages.compare.callbacks import (
    history_update,
    moment_of,
    moved_drawings,
    node_of_click,
    whole_drawings,
)
from ui.schema.runs import Episode, History, HistoryPoint, Lead
from ui.schema.views import Compare

MODELS = ["linear", "centrality"]
NAMES = {"diele": "Diele", "krummel": "Krümmel", "wendlingen": "Wendlingen"}
COMPARE = msgspec.convert(literal_api.compare(), Compare)
HISTORY = msgspec.convert(literal_api.history(), History)


@pytest.fixture(scope="module")
def snapshot():
    with literal_api.literal_api() as api:
        poller = Poller(ApiClient(api.url))
        yield poller.poll()
        poller.stop()


def lead(median_s, linear, centrality, same):
    return Lead(median_s, {"linear": linear, "centrality": centrality}, same)


def test_the_scatter_holds_every_node_once_with_the_risk_of_each_model():
    values = scatter_figure.scatter_values(COMPARE, MODELS, NAMES)
    assert values["node"] == ["diele", "krummel", "wendlingen"]
    assert list(zip(values["x"], values["y"], strict=True)) == [
        (0.0, 0.12),
        (0.31, 0.44),
        (0.83, 0.95),
    ]
    assert values["hover"][2] == (
        "<b>Wendlingen</b><br>Linear attenuation: 0.83, HIGH<br>Centrality-based: 0.95, CRITICAL"
    )


def test_whose_alarm_is_open_is_reported_by_symbol_not_by_colour_alone():
    sides = COMPARE.models
    mixed = structs.replace(
        COMPARE,
        models={
            "linear": structs.replace(sides["linear"], level=["HIGH", "", ""]),
            "centrality": structs.replace(sides["centrality"], level=["HIGH", "WARNING", ""]),
        },
    )
    symbols = scatter_figure.scatter_values(mixed, MODELS, NAMES)["symbol"]
    assert symbols == ["diamond", "triangle-up", "circle-open"]
    assert len(set(scatter_figure.SYMBOLS.values())) == 4


def test_the_scatter_has_its_diagonal_and_equal_axes_and_rings_the_picked_node():
    figure = scatter_figure.scatter_figure(COMPARE, MODELS, NAMES, "krummel")
    assert list(figure.data[0].x) == list(figure.data[0].y) == [0, 1]
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert figure.layout.yaxis.scaleanchor == "x"
    picked = figure.data[scatter_figure.PICKED]
    assert (list(picked.x), list(picked.y)) == ([0.31], [0.44])
    assert scatter_figure.picked_point(COMPARE, MODELS, "nowhere") == {"x": [], "y": []}
    assert scatter_figure.scatter_values(None, MODELS, NAMES)["x"] == []


def test_the_history_keeps_a_gap_where_a_measure_has_no_value():
    values = history_figure.history_values(HISTORY.points, MODELS)
    assert values["x"][0] == "2019-01-15T15:00:00Z"
    assert values["ys"][0] == [None, 0.5, 0.67]
    assert values["ys"][1] == [None, 0.33, 0.81]
    assert values["ys"][2:] == [[0.2] * 3, [0.3] * 3]


def test_a_long_run_is_drawn_as_means_of_neighbouring_windows_up_to_the_last():
    points = [
        HistoryPoint(f"window {n}", n % 2, None, {"linear": 0.5, "centrality": 0.1}, {})
        for n in range(10_000)
    ]
    values = history_figure.history_values(points, MODELS)
    assert len(values["x"]) <= history_figure.SHOWN
    assert values["x"][-1] == "window 9999"
    assert set(values["ys"][0][:-1]) == {0.48, 0.52} or set(values["ys"][0]) == {0.5}
    assert set(values["ys"][1]) == {None}
    assert values["ys"][2][0] == 0.5


def test_the_axis_goes_below_zero_only_when_the_models_have_disagreed():
    assert history_figure.agreement_range([[0.5, None], [0.2, 0.1]]) == [-0.04, 1.04]
    assert history_figure.agreement_range([[0.5], [-0.3], [0.0]]) == [-1.04, 1.04]
    assert history_figure.agreement_range([[], []]) == [-0.04, 1.04]


def test_the_cards_tell_both_models_figures_and_what_the_measures_mean():
    cards = panel.card_values(COMPARE, HISTORY, MODELS)
    assert cards["average"].value == "0.38 · 0.50"
    assert cards["average"].detail == "Linear · Centrality"
    assert cards["alarms"].value == "1 · 1"
    assert (cards["overlap"].value, cards["overlap"].detail) == ("0.67", "2 of 3 nodes in both")
    assert (cards["order"].value, cards["order"].detail) == ("1.00", "nearly the same order")


def test_without_any_stress_the_measures_are_a_dash_and_say_why():
    calm = structs.replace(COMPARE, top_k_overlap=None, rank_correlation=None)
    cards = panel.card_values(calm, None, MODELS)
    assert (cards["overlap"].value, cards["overlap"].detail) == ("–", "no node is stressed")
    assert (cards["order"].value, cards["order"].detail) == ("–", "no node is stressed")
    assert cards["lead"].detail == "no data yet"
    assert panel.card_values(None, None, MODELS)["average"].value == "–"


@pytest.mark.parametrize(
    ("tau", "words"),
    [(0.95, "nearly"), (0.6, "much"), (0.3, "partly"), (0.0, "hardly"), (-0.8, "opposite")],
)
def test_a_rank_correlation_is_put_in_words(tau, words):
    assert words in panel.order_words(tau)


def test_the_lead_time_is_reported_in_hours_and_names_who_was_first():
    assert panel.lead_words(lead(7200, 3, 1, 2), MODELS) == (
        "Linear 2 h earlier",
        "first: Linear 3×, Centrality 1×, neither 2×",
    )
    assert panel.lead_words(lead(-3600, 0, 1, 0), MODELS)[0] == "Centrality 1 h earlier"
    assert panel.lead_words(lead(0, 1, 1, 5), MODELS)[0] == "none"
    assert panel.lead_words(lead(None, 0, 0, 0), MODELS) == ("–", "no alarm raised by both yet")


def test_alarms_of_one_model_alone_are_listed_with_a_link_to_their_node():
    episodes = [
        msgspec.convert(literal_api.episode("e1"), Episode),
        msgspec.convert(literal_api.episode("c2", "centrality", "WARNING", ended=True), Episode),
        msgspec.convert(literal_api.episode("e2", "linear", "WARNING"), Episode),
    ]
    rows = panel.only_rows(HISTORY, episodes)
    assert [row["episode_id"] for row in rows] == ["c2", "e2"]
    assert rows[0]["node"] == "Wendlingen"
    assert rows[0]["href"] == "/node/wendlingen?model=centrality"
    assert (rows[0]["only"], rows[0]["raised"]) == ("Centrality", "2019-01-15 15:00")
    assert (rows[0]["hours"], rows[0]["state"]) == (2.0, "cleared")
    assert (rows[1]["hours"], rows[1]["state"]) == (3.0, "open")
    assert panel.only_rows(None, episodes) == []


def test_the_note_counts_what_each_has_alone_and_says_what_is_not_listed():
    assert panel.only_note(HISTORY, MODELS, 2) == "Linear 1 · Centrality 1 · both 1"
    assert panel.only_note(HISTORY, MODELS, 1).endswith("(newest 1 listed)")


def test_what_is_drawn_is_patched_and_another_grid_is_not(snapshot):
    first = whole_drawings(snapshot, MODELS, None)
    assert first[0].data[-2].marker.color == (0, 0.31, 0.83)
    assert first[1].data[-2].marker.color == (0.12, 0.44, 0.95)
    assert first[3:5] == ("Linear attenuation", "Centrality-based")
    assert first[5] == ""
    again = moved_drawings(snapshot, "diele", first[6])
    assert all(isinstance(figure, Patch) for figure in again)
    assert moved_drawings(snapshot, None, [0, *MODELS]) == (no_update,) * 3
    assert moved_drawings(snapshot, None, None) == (no_update,) * 3
    assert whole_drawings(Snapshot(), MODELS, None) == (no_update,) * 7


def test_the_scatter_of_a_large_grid_has_its_alarms_and_highest_risks():
    count = 3 * FOREMOST
    nodes = [f"n{i}" for i in range(count)]
    risks = [i / count for i in range(count)]
    sides = {
        model: structs.replace(side, risk=values, level=levels)
        for (model, side), values, levels in zip(
            COMPARE.models.items(),
            (risks, [0.0] * count),
            ([""] * count, ["WARNING", *[""] * (count - 1)]),
            strict=True,
        )
    }
    large = structs.replace(COMPARE, nodes=nodes, models=sides)
    shown = scatter_figure.scatter_values(large, MODELS, NAMES)["node"]
    assert shown == ["n0", *nodes[-FOREMOST + 1 :]]


def test_a_grid_is_drawn_before_it_has_values(snapshot):
    drawn = whole_drawings(replace(snapshot, models={}), MODELS, None)
    assert drawn[0].data[-2].marker.color == (0, 0, 0)
    assert len(drawn[2].data) == 3


def test_the_history_is_sent_only_when_a_window_has_come():
    figure, note, empty, mark = history_update(HISTORY, MODELS, None)
    assert len(figure.data) == 4
    assert note == "3 final windows"
    assert empty == ""
    assert history_update(HISTORY, MODELS, mark) == (no_update,) * 4
    longer = structs.replace(HISTORY, points=[*HISTORY.points, HISTORY.points[-1]])
    assert isinstance(history_update(longer, MODELS, mark)[0], Patch)
    assert not isinstance(history_update(HISTORY, MODELS, mark, "dark")[0], Patch)
    other = structs.replace(longer, run="another")
    assert not isinstance(history_update(other, MODELS, mark)[0], Patch)


def test_windows_that_come_with_later_answers_are_announced_and_drawn_when_they_come():
    begun = structs.replace(HISTORY, to_compare=2)
    _, note, _, mark = history_update(begun, MODELS, None)
    assert note == "3 final windows, 2 still to compare"
    figure, note, _, _ = history_update(HISTORY, MODELS, mark)
    assert isinstance(figure, Patch)
    assert note == "3 final windows"


def test_a_run_without_a_final_window_says_so():
    young = structs.replace(HISTORY, points=[])
    figure, _, empty, mark = history_update(young, MODELS, None)
    assert len(figure.data) == 4
    assert empty == "No window is final yet."
    assert not isinstance(history_update(HISTORY, MODELS, mark)[0], Patch)
    assert history_update(None, MODELS, None)[2] == "no data yet"


def test_maps_and_scatter_are_of_the_snapshots_own_moment(snapshot):
    moment = moment_of(snapshot, MODELS)
    assert moment.nodes == COMPARE.nodes
    assert moment.models["centrality"].risk == [0.12, 0.44, 0.95]
    assert moment.models["centrality"].level == ["", "", "CRITICAL"]
    assert moment_of(Snapshot(), MODELS) is None


def test_a_click_means_the_node_it_carries():
    assert node_of_click({"points": [{"customdata": "diele"}]}) == "diele"
    assert node_of_click({"points": [{"x": 1}]}) is None
    assert node_of_click(None) is None


def test_the_picked_node_is_reported_with_a_link_to_its_page():
    line = panel.picked_line(COMPARE, MODELS, "Wendlingen", "wendlingen")
    assert line[1] == " Linear 0.83 · Centrality 0.95"
    assert line[0].href == "/node/wendlingen"
    assert panel.picked_line(COMPARE, MODELS, "", None).startswith("Click a point")


def test_one_model_has_nothing_to_compare_and_says_so():
    assert panel.alone_words(MODELS) == ""
    assert "Electrical sensitivity is the only model" in panel.alone_words(["electrical"])


def test_another_pair_has_its_scatter_drawn_anew_on_maps_that_stay():
    found = literal_api.answers(models=(*MODELS, "electrical"))
    with literal_api.literal_api(found=found) as api:
        poller = Poller(ApiClient(api.url))
        snapshot = poller.poll()
        poller.stop()
    _, _, scatter, *titles, _, mark = whole_drawings(snapshot, ["linear", "electrical"], None)
    assert mark[1:] == ["linear", "electrical"]
    assert list(scatter.data[scatter_figure.NODES].y) == [0.2, 0.1, 0.6]
    assert titles == ["Linear attenuation", "Electrical sensitivity"]
