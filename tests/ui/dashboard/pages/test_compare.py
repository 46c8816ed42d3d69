from dataclasses import replace

import msgspec
import pytest
from dash import Patch, no_update
from msgspec import structs

from tests.ui import literal_api
from topology.models import short_title_of, title_of
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.dashboard.figures.map_nodes import FOREMOST
from ui.dashboard.pages.compare import history_figure, scatter_figure
from ui.dashboard.pages.compare import panels as panel
from ui.dashboard.pages.compare.callbacks import (
    history_update,
    moved_drawings,
    node_of_click,
    whole_drawings,
)
from ui.dashboard.pages.compare.side_select import each_options, with_options
from ui.dashboard.pages.compare.sides import (
    Side,
    Sides,
    alone_words,
    shift_words,
)
from ui.dashboard.style.grid_facts import Loading
from ui.schema.runs import Episode, History, HistoryPoint, Lead
from ui.schema.views import Beside, Compare

MODELS = ["linear", "centrality"]
NAMES = {"diele": "Diele", "krummel": "Krümmel", "wendlingen": "Wendlingen"}
COMPARE = msgspec.convert(literal_api.compare(), Compare)
HISTORY = msgspec.convert(literal_api.history(), History)
RUNS = ("winter", "summer")
SIDES = [Side(m, m, title_of(m), short_title_of(m), Snapshot()) for m in MODELS]


@pytest.fixture(scope="module")
def snapshot():
    with literal_api.literal_api() as api:
        poller = Poller(ApiClient(api.url))
        yield poller.poll()
        poller.stop()


def models_of(snapshot, *models):
    """Two models of the run shown."""
    return Sides([Side(m, m, title_of(m), short_title_of(m), snapshot) for m in models])


def lead(median_s, linear, centrality, same):
    return Lead(median_s, {"linear": linear, "centrality": centrality}, same)


def test_the_scatter_holds_every_node_once_with_the_risk_of_each_model():
    values = scatter_figure.scatter_values(COMPARE, SIDES, NAMES)
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
    symbols = scatter_figure.scatter_values(mixed, SIDES, NAMES)["symbol"]
    assert symbols == ["diamond", "triangle-up", "circle-open"]
    assert len(set(scatter_figure.SYMBOLS.values())) == 4


def test_the_scatter_has_its_diagonal_and_equal_axes_and_rings_the_picked_node():
    figure = scatter_figure.scatter_figure(COMPARE, SIDES, NAMES, "krummel")
    assert list(figure.data[0].x) == list(figure.data[0].y) == [0, 1]
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert figure.layout.yaxis.scaleanchor == "x"
    picked = figure.data[scatter_figure.PICKED]
    assert (list(picked.x), list(picked.y)) == ([0.31], [0.44])
    assert scatter_figure.picked_point(COMPARE, SIDES, "nowhere") == {"x": [], "y": []}
    assert scatter_figure.scatter_values(None, SIDES, NAMES)["x"] == []


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
    cards = panel.card_values(COMPARE, HISTORY, SIDES)
    assert cards["average"].value == "0.38 · 0.50"
    assert cards["average"].detail == "Linear · Centrality"
    assert cards["alarms"].value == "1 · 1"
    assert (cards["overlap"].value, cards["overlap"].detail) == ("0.67", "2 of 3 nodes in both")
    assert (cards["order"].value, cards["order"].detail) == ("1.00", "nearly the same order")


def test_without_any_stress_the_measures_are_a_dash_and_say_why():
    calm = structs.replace(COMPARE, top_k_overlap=None, rank_correlation=None)
    cards = panel.card_values(calm, None, SIDES)
    assert (cards["overlap"].value, cards["overlap"].detail) == ("–", "no node is stressed")
    assert (cards["order"].value, cards["order"].detail) == ("–", "no node is stressed")
    assert cards["lead"].detail == "no data yet"
    assert panel.card_values(None, None, SIDES)["average"].value == "–"


@pytest.mark.parametrize(
    ("tau", "words"),
    [(0.95, "nearly"), (0.6, "much"), (0.3, "partly"), (0.0, "hardly"), (-0.8, "opposite")],
)
def test_a_rank_correlation_is_put_in_words(tau, words):
    assert words in panel.order_words(structs.replace(COMPARE, rank_correlation=tau))


def test_the_lead_time_is_reported_in_hours_and_names_who_was_first():
    assert panel.lead_words(lead(7200, 3, 1, 2), SIDES) == (
        "Linear 2 h earlier",
        "first: Linear 3×, Centrality 1×, neither 2×",
    )
    assert panel.lead_words(lead(-3600, 0, 1, 0), SIDES)[0] == "Centrality 1 h earlier"
    assert panel.lead_words(lead(0, 1, 1, 5), SIDES)[0] == "none"
    assert panel.lead_words(lead(None, 0, 0, 0), SIDES) == ("–", "no alarm raised by both yet")


def test_alarms_of_one_model_alone_are_listed_with_a_link_to_their_node():
    episodes = [
        msgspec.convert(literal_api.episode("e1"), Episode),
        msgspec.convert(literal_api.episode("c2", "centrality", "WARNING", ended=True), Episode),
        msgspec.convert(literal_api.episode("e2", "linear", "WARNING"), Episode),
    ]
    rows = panel.only_rows(HISTORY, SIDES, episodes)
    assert [row["episode_id"] for row in rows] == ["c2", "e2"]
    assert rows[0]["node"] == "Wendlingen"
    assert rows[0]["href"] == "/node/wendlingen?model=centrality"
    assert (rows[0]["only"], rows[0]["raised"]) == ("Centrality", "2019-01-15 15:00")
    assert (rows[0]["hours"], rows[0]["state"]) == (2.0, "cleared")
    assert (rows[1]["hours"], rows[1]["state"]) == (3.0, "open")
    assert panel.only_rows(None, SIDES, episodes) == []


def test_the_note_counts_what_each_has_alone_and_says_what_is_not_listed():
    assert panel.only_note(HISTORY, SIDES, 2) == "Linear 1 · Centrality 1 · both 1"
    assert panel.only_note(HISTORY, SIDES, 1).endswith("(newest 1 listed)")


def test_what_is_drawn_is_patched_and_another_grid_is_not(snapshot):
    sides = models_of(snapshot, *MODELS)
    first = whole_drawings(sides, None, None)
    assert first[0].data[-2].marker.color == (0, 0.31, 0.83)
    assert first[1].data[-2].marker.color == (0.12, 0.44, 0.95)
    assert first[3:5] == ("Linear attenuation", "Centrality-based")
    assert first[5] == ""
    again = moved_drawings(sides, None, "diele", first[6])
    assert all(isinstance(figure, Patch) for figure in again)
    assert moved_drawings(sides, None, None, [0, *MODELS, False]) == (no_update,) * 3
    assert moved_drawings(sides, None, None, None) == (no_update,) * 3
    assert moved_drawings(sides, {"show": "difference"}, None, first[6]) == (no_update,) * 3
    assert whole_drawings(models_of(Snapshot(), *MODELS), None, None) == (no_update,) * 7
    assert whole_drawings(Sides([]), None, None) == (no_update,) * 7


def test_the_second_map_can_be_that_of_the_difference(snapshot):
    chosen = {"show": "difference"}
    first = whole_drawings(models_of(snapshot, *MODELS), chosen, None)
    assert first[0].data[-2].marker.color == (0, 0.31, 0.83)
    assert sorted(first[1].data[-2].marker.color) == [0.12, 0.12, 0.13]
    assert first[4] == "Centrality less linear"
    again = moved_drawings(models_of(snapshot, *MODELS), chosen, None, first[6])
    assert all(isinstance(figure, Patch) for figure in again)


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
    shown = scatter_figure.scatter_values(large, SIDES, NAMES)["node"]
    assert shown == ["n0", *nodes[-FOREMOST + 1 :]]


def test_a_grid_is_drawn_before_it_has_values(snapshot):
    drawn = whole_drawings(models_of(replace(snapshot, models={}), *MODELS), None, None)
    assert drawn[0].data[-2].marker.color == (0, 0, 0)
    assert len(drawn[2].data) == 3


def test_the_history_is_sent_only_when_a_window_has_come():
    figure, note, empty, mark = history_update(HISTORY, SIDES, None)
    assert len(figure.data) == 4
    assert note == "3 final windows"
    assert empty == ""
    assert history_update(HISTORY, SIDES, mark) == (no_update,) * 4
    longer = structs.replace(HISTORY, points=[*HISTORY.points, HISTORY.points[-1]])
    assert isinstance(history_update(longer, SIDES, mark)[0], Patch)
    assert not isinstance(history_update(HISTORY, SIDES, mark, "dark")[0], Patch)
    other = structs.replace(longer, run="another")
    assert not isinstance(history_update(other, SIDES, mark)[0], Patch)


def test_windows_that_come_with_later_answers_are_announced_and_drawn_when_they_come():
    begun = structs.replace(HISTORY, to_compare=2)
    _, note, _, mark = history_update(begun, SIDES, None)
    assert note == "3 final windows, 2 still to compare"
    figure, note, _, _ = history_update(HISTORY, SIDES, mark)
    assert isinstance(figure, Patch)
    assert note == "3 final windows"


def test_a_run_without_a_final_window_says_so():
    young = structs.replace(HISTORY, points=[])
    figure, _, empty, mark = history_update(young, SIDES, None)
    assert len(figure.data) == 4
    assert empty == "No window is final yet."
    assert not isinstance(history_update(HISTORY, SIDES, mark)[0], Patch)
    assert history_update(None, SIDES, None)[2] == "no data yet"


def test_maps_and_scatter_are_of_the_snapshots_own_moment(snapshot):
    moment = models_of(snapshot, *MODELS).moment
    assert moment.nodes == COMPARE.nodes
    assert moment.models["centrality"].risk == [0.12, 0.44, 0.95]
    assert moment.models["centrality"].level == ["", "", "CRITICAL"]
    assert models_of(Snapshot(), *MODELS).moment is None


def test_a_click_means_the_node_it_carries():
    assert node_of_click({"points": [{"customdata": "diele"}]}) == "diele"
    assert node_of_click({"points": [{"x": 1}]}) is None
    assert node_of_click(None) is None


def test_the_picked_node_is_reported_with_a_link_to_its_page():
    line = panel.picked_line(COMPARE, SIDES, "Wendlingen", "wendlingen")
    assert line[1] == " Linear 0.83 · Centrality 0.95"
    assert line[0].href == "/node/wendlingen"
    loads = {"wendlingen": Loading(690.0, 0.9857)}
    loaded = panel.picked_line(COMPARE, SIDES, "Wendlingen", "wendlingen", loads)[1]
    assert loaded == " Linear 0.83 · Centrality 0.95 · 690 MW, 99 % of rating"
    assert panel.picked_line(COMPARE, SIDES, "", None).startswith("Click a point")


def test_one_model_has_nothing_to_compare_and_says_so():
    assert alone_words(MODELS) == ""
    assert "Electrical sensitivity is the only model" in alone_words(["electrical"])


def test_another_pair_has_its_scatter_drawn_anew_on_maps_that_stay():
    found = literal_api.answers(models=(*MODELS, "electrical"))
    with literal_api.literal_api(found=found) as api:
        poller = Poller(ApiClient(api.url))
        snapshot = poller.poll()
        poller.stop()
    sides = models_of(snapshot, "linear", "electrical")
    _, _, scatter, *titles, _, mark = whole_drawings(sides, None, None)
    assert mark != whole_drawings(models_of(snapshot, *MODELS), None, None)[-1]
    assert list(scatter.data[scatter_figure.NODES].y) == [0.2, 0.1, 0.6]
    assert titles == ["Linear attenuation", "Electrical sensitivity"]


@pytest.mark.parametrize(
    ("event_time", "shift_s", "words"),
    [
        ("2018-01-16T18:00:00Z", 52 * 604_800, "old at Tue 16 Jan 2018 18:00, 52 weeks earlier"),
        ("2019-01-22T18:00:00Z", -604_800, "old at Tue 22 Jan 2019 18:00, 1 week later"),
        ("2019-01-15T18:00:00Z", 0, "both at Tue 15 Jan 2019 18:00"),
        ("2019-01-15T15:00:00Z", 10_800, "old at Tue 15 Jan 2019 15:00, 3 h earlier"),
        (None, 0, "one of them has no final window at this time"),
    ],
)
def test_how_the_times_of_two_runs_meet_is_put_in_words(event_time, shift_s, words):
    assert shift_words(Beside("old", event_time, shift_s)) == words
    assert shift_words(None) == ""


def test_where_one_has_no_window_the_measures_say_so():
    nothing = structs.replace(
        COMPARE, top_k_overlap=None, rank_correlation=None, beside=Beside("old", None, 0)
    )
    cards = panel.card_values(nothing, None, SIDES)
    assert cards["overlap"].detail == cards["order"].detail == "one has no window now"
    assert (cards["average"].value, cards["alarms"].value) == ("0.38 · –", "1 · –")


def test_the_same_runs_under_other_models_are_drawn_anew(snapshot):
    def under(model):
        return Sides(
            [
                replace(side, name=run, model=model, run=run, snapshot=snapshot)
                for side, run in zip(SIDES, RUNS, strict=True)
            ]
        )

    first = whole_drawings(under("linear"), None, None)
    assert moved_drawings(under("centrality"), None, None, first[6]) == (no_update,) * 3
    _, _, _, mark = history_update(HISTORY, under("linear").pair, None)
    assert not isinstance(history_update(HISTORY, under("centrality").pair, mark)[0], Patch)
    assert history_update(HISTORY, under("centrality").pair, mark)[0] is not no_update


def test_a_history_that_is_not_to_be_had_leaves_no_lines_of_another(snapshot):
    pair = [replace(side, run=run) for side, run in zip(SIDES, RUNS, strict=True)]
    _, _, _, mark = history_update(HISTORY, pair, None)
    figure, note, empty, after = history_update(None, pair, mark)
    assert len(figure.data) == 0
    assert (note, empty, after) == ("", "nothing is archived yet of both runs", None)
    assert history_update(None, pair, None)[0] is no_update


def test_the_choices_are_other_runs_and_the_models_of_each(snapshot):
    runs = [structs.replace(snapshot.run, run=name) for name in ("old", "older")]
    several = replace(snapshot, runs=(snapshot.run, *runs))
    assert [o["value"] for o in with_options(several, None)] == ["*", "old", "older"]
    assert [o["value"] for o in with_options(several, "gone")][-1] == "gone"
    assert [o["value"] for o in each_options(snapshot.grid)] == [
        "linear,linear",
        "centrality,centrality",
        "linear,centrality",
        "centrality,linear",
    ]
    assert each_options(None) == []


def test_alarms_that_are_no_longer_all_kept_are_said_not_to_count() -> None:
    cut = structs.replace(
        HISTORY, episodes=structs.replace(HISTORY.episodes, since="2025-01-03T10:00:00Z")
    )
    note = panel.only_note(cut, SIDES, 2)
    assert note == "Linear 1 · Centrality 1 · both 1, raised since 03 Jan 10:00"
