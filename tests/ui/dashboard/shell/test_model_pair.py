import pytest
from msgspec import structs

from tests.ui.literal_api import answers, literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.dashboard.pages.alarms.filters import model_choices
from ui.dashboard.pages.compare.page import COMPARE
from ui.dashboard.pages.overview.maps import shown_models
from ui.dashboard.pages.overview.page import OVERVIEW
from ui.dashboard.pages.system.page import SYSTEM
from ui.dashboard.shell.header import model_options, switch_label
from ui.dashboard.shell.model_pair import pair_of, pair_options

THREE = ["linear", "centrality", "electrical"]


@pytest.fixture(scope="module")
def poller():
    with literal_api(found=answers(models=tuple(THREE))) as api:
        found = Poller(ApiClient(api.url))
        found.poll()
        yield found
        found.stop()


@pytest.fixture
def three(poller):
    return poller.snapshot().grid


@pytest.fixture
def one(three):
    return structs.replace(three, models=["electrical"])


def test_every_pair_can_be_chosen(three, one):
    assert [option["value"] for option in pair_options(three)] == [
        "linear,centrality",
        "linear,electrical",
        "centrality,electrical",
    ]
    assert pair_options(three)[1]["label"] == "Linear · Electrical"
    assert pair_options(one) == pair_options(None) == []


@pytest.mark.parametrize("chosen", [None, "", "linear", "linear,magic", "linear,linear"])
def test_without_a_sound_choice_the_first_two_are_compared(three, chosen):
    assert pair_of(three, chosen) == ["linear", "centrality"]


def test_a_choice_is_followed_and_one_model_has_no_pair(three, one):
    assert pair_of(three, "centrality,electrical") == ["centrality", "electrical"]
    assert pair_of(one, "linear,centrality") == ["electrical"]
    assert pair_of(None, None) == ["linear", "centrality"]


def test_side_by_side_shows_the_chosen_pair(three, one):
    assert shown_models(three, "both", "linear", "linear,electrical") == ("linear", "electrical")
    assert shown_models(one, "both", "electrical", None) == ("electrical", None)


def test_the_switch_offers_every_enabled_model_by_title(three, one):
    labels = [option["label"] for option in model_options(three, both=True)]
    assert labels == [
        "Linear attenuation",
        "Centrality-based",
        "Electrical sensitivity",
        "Side by side",
    ]
    assert [option["label"] for option in model_options(one, both=True)] == [
        "Electrical sensitivity"
    ]


def test_a_page_without_the_switch_says_of_which_models_it_is(three, one):
    assert switch_label(three, OVERVIEW) == "Model"
    assert (switch_label(three, COMPARE), switch_label(three, SYSTEM)) == ("Compared", "All models")
    assert switch_label(None, SYSTEM) == "Both models"
    assert switch_label(one, SYSTEM) == "Electrical sensitivity"


def test_alarms_are_filtered_by_the_enabled_models(three, one):
    assert [c["label"] for c in model_choices(three)] == [
        "All",
        "Linear",
        "Centrality",
        "Electrical",
    ]
    assert [c["value"] for c in model_choices(one)] == ["all", "electrical"]
