from urllib.parse import parse_qs

import pytest
from dash import Patch, no_update

from tests.ui.dashboard.test_dashboard import text_of
from tests.ui.literal_api import answers, literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.dashboard.pages.node import panels as panel
from ui.dashboard.pages.node.callbacks import node_figures
from ui.dashboard.pages.node.history_figure import (
    history_figure,
    history_range,
    panes_figure,
    panes_values,
)
from ui.dashboard.serving.app import PAGES
from ui.dashboard.shell.links import alarms_href, node_href, node_of
from ui.dashboard.style.theme import DARK

LEVELS = {"CLEAR": 0.4, "WARNING": 0.5, "HIGH": 0.7, "CRITICAL": 0.9}


@pytest.fixture(scope="module")
def poller():
    with literal_api(found=answers()) as api:
        found = Poller(ApiClient(api.url))
        found.poll()
        yield found
        found.stop()


@pytest.fixture
def grid(poller):
    return poller.snapshot().grid


@pytest.fixture
def details(poller):
    return {model: poller.node("wendlingen", model) for model in ("linear", "centrality")}


def hrefs(component):
    """All addresses in a component tree."""
    if isinstance(component, (list, tuple)):
        return [href for part in component for href in hrefs(part)]
    own = [component.href] if getattr(component, "href", None) else []
    return own + (hrefs(component.children) if getattr(component, "children", None) else [])


@pytest.mark.parametrize("node_id", ["redwitz", "a b/c", "Umspannwerk 7?", "ü&=", "50%"])
def test_a_nodes_address_leads_back_to_it(node_id):
    path, _, query = node_href(node_id, "linear").partition("?")
    assert node_of(path) == node_id
    assert parse_qs(query) == {"model": ["linear"]}
    assert parse_qs(alarms_href(node_id).partition("?")[2]) == {"node": [node_id]}


@pytest.mark.parametrize("path", [None, "/", "/node", "/node/", "/alarms"])
def test_other_addresses_name_no_node(path):
    assert node_of(path) is None


def test_every_address_below_the_path_is_the_pages_own():
    page = next(page for page in PAGES if page.path == "/node")
    assert page.answers_for("/node/redwitz")
    assert page.answers_for("/node")
    assert not page.answers_for("/nodes")


def test_both_models_are_in_one_plot_with_the_level_lines(details):
    figure = history_figure(details, LEVELS, stressed="centrality")
    assert [trace.name for trace in figure.data] == ["Linear attenuation", "Centrality-based"]
    assert list(figure.data[0].y) == [0.39, 0.82]
    assert figure.data[0].line.dash != figure.data[1].line.dash
    assert figure.data[0].line.width < figure.data[1].line.width
    assert sorted(shape.y0 for shape in figure.layout.shapes) == [0.4, 0.5, 0.7, 0.9]


def test_the_plot_ends_with_the_newest_window_and_shows_a_week(details):
    start, end = history_range(details)
    assert (start[:10], end) == ("2019-01-08", "2019-01-15T17:00:00Z")
    assert history_range({}) is None


def test_panes_are_bars_in_groups_of_both_models(details):
    figure = panes_figure(details)
    assert [bar.type for bar in figure.data] == ["bar", "bar"]
    assert figure.layout.barmode == "group"
    assert panes_values(details)["linear"] == {"x": ["17:00"], "y": [0.2]}


def test_a_browser_that_has_the_figures_is_sent_a_patch(poller, grid):
    history, panes, empty, mark = node_figures(poller, grid, "wendlingen", "linear", None)
    assert len(history.data) == len(panes.data) == 2
    assert empty == ""
    again = node_figures(poller, grid, "wendlingen", "linear", mark)
    assert isinstance(again[0], Patch)
    assert isinstance(again[1], Patch)
    assert again[3] is no_update
    other = node_figures(poller, grid, "krummel", "linear", mark)
    assert not isinstance(other[0], Patch)
    dark = node_figures(poller, grid, "wendlingen", "linear", mark, DARK)
    assert dark[0].layout.font.color == DARK.ink


def test_figures_stay_when_nothing_is_known_of_the_node(poller, grid):
    assert node_figures(poller, grid, "nowhere", "linear", None) == (no_update,) * 4


def test_values_are_put_in_words_and_a_dash_stands_for_unknown(details):
    text = text_of(panel.model_values(details["linear"]))
    assert "0.83" in text
    assert "HIGH" in text
    assert "690 MW" in text
    assert "99 % of rating" in text
    assert text_of(panel.model_values(None)).count("–") == 5


def test_sources_have_their_shares_and_lead_to_their_pages(details):
    names = {"krummel": "Krümmel", "diele": "Diele"}
    rows = panel.source_links(details["linear"], names, "linear", "diele")
    assert "60%" in text_of(rows)
    assert "the node itself" in text_of(rows)
    assert hrefs(rows) == ["/node/krummel?model=linear"]


def test_the_alarms_of_both_models_are_listed(poller):
    text = text_of(panel.episode_list(poller.episodes().episodes, "wendlingen"))
    assert "Linear attenuation" in text
    assert "Centrality-based" in text
    assert "since 15 Jan 15:00" in text
    assert "15 Jan 15:00, for 2 h" in text
    assert "No alarm" in text_of(panel.episode_list(poller.episodes().episodes, "diele"))
    assert "not known" in text_of(panel.episode_list(None, "diele"))


def test_neighbours_are_listed_with_their_line_and_risk_under_each_model(poller, grid):
    rows = panel.neighbour_list(grid, poller.snapshot(), "wendlingen")
    text = text_of(rows)
    assert "220 kV, 530 km" in text
    assert "0.31" in text
    assert "0.44" in text
    assert hrefs(rows) == ["/node/krummel"]


def test_an_unknown_node_is_said_to_be_unknown_with_ways_to_find_one(grid):
    text = panel.unknown_node(grid, "wendlinge")
    assert "There is no node “wendlinge”" in text_of(text)
    assert set(hrefs(text)) == {"/node/wendlingen", "/", "/alarms"}
    assert "Which node?" in text_of(panel.unknown_node(grid, None))
    assert "Waiting for a worker" in text_of(panel.unknown_node(None, "x"))


def test_nodes_whose_ids_are_written_alike_are_suggested(grid):
    assert panel.similar(grid, "Krumel") == ["krummel"]
    assert panel.similar(grid, "zzzz") == []
