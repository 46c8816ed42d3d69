import pytest
from dash import no_update

from tests.ui.literal_api import answers, episode, literal_api
from ui.client.snapshot import Snapshot
from ui.dashboard.pages.alarms.callbacks import KEPT_TABLES, RowBook, empty_text
from ui.dashboard.pages.alarms.filters import Filters, filter_model
from ui.dashboard.panels.episodes import (
    COLUMNS,
    CSV_COLUMNS,
    HIDDEN,
    episode_rows,
    lasted,
    row_changes,
)
from ui.dashboard.serving.app import PAGES
from ui.dashboard.style.grid_facts import Loading

NAMES = {"wendlingen": "Wendlingen", "krummel": "Krümmel"}


@pytest.fixture
def api():
    with literal_api(found=answers()) as server:
        yield server


@pytest.fixture
def episodes(poller):
    return poller.episodes()


def after(api, poller, change):
    """The episodes after the API's rows have changed."""
    change(api.answers["episodes"]["episodes"])
    api.answers["state/linear"]["risk"] = [0.3, 0.3, 0.3]
    poller.poll()
    return poller.episodes()


def test_open_episodes_have_the_load_of_now_and_cleared_ones_none(episodes):
    loads = {"wendlingen": Loading(690.0, 0.9857)}
    rows = episode_rows(episodes.episodes, NAMES, loads)
    shown = {row["state"]: (row["load_mw"], row["load"]) for row in rows}
    assert shown == {"open": (690.0, "690 MW · 99 %"), "cleared": (None, "–")}
    book = RowBook()
    _, _, mark = book.update(episodes, NAMES, None, loads)
    assert book.update(episodes, NAMES, mark, loads) == (no_update,) * 3
    _, changes, _ = book.update(episodes, NAMES, mark, {"wendlingen": Loading(680.0, 0.97)})
    assert [row["load"] for row in changes["update"]] == ["680 MW · 97 %"] * 2


def test_a_row_says_in_words_what_the_episode_says_in_numbers(episodes):
    rows = {row["episode_id"]: row for row in episode_rows(episodes.episodes, NAMES)}
    opened, ended = rows["e1"], rows["c2"]
    assert (opened["level"], opened["state"], opened["model"]) == (
        "HIGH",
        "open",
        "Linear attenuation",
    )
    assert (opened["raised"], opened["cleared"], opened["lasted"]) == ("15 Jan 15:00", "–", "3 h")
    assert (ended["state"], ended["cleared"], ended["lasted"]) == ("cleared", "15 Jan 17:00", "2 h")
    assert opened["source"] == "Krümmel 60%"
    assert opened["raised_s"] == 1_547_564_400
    assert opened["href"] == "/node/wendlingen?model=linear"


def test_every_exported_column_is_a_column_of_the_table_and_of_each_row(episodes):
    columns = {column["field"] for column in [*COLUMNS, *HIDDEN]}
    assert set(CSV_COLUMNS) <= columns
    assert all(columns <= set(row) for row in episode_rows(episodes.episodes, NAMES))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (900, "15 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (47 * 3600, "47 h"),
        (190_800, "2 d 5 h"),
    ],
)
def test_a_length_of_time_is_written_in_its_largest_units(seconds, text):
    assert lasted(seconds) == text


def test_no_filter_is_an_empty_filter_model():
    assert filter_model(Filters(), "2019-01-15T18:00:00Z") == {}


def test_several_levels_pass_when_any_of_them_is_met():
    found = filter_model(Filters(levels=["HIGH", "CRITICAL"]), None)["level"]
    assert found["operator"] == "OR"
    assert [c["filter"] for c in found["conditions"]] == ["HIGH", "CRITICAL"]


def test_each_filter_asks_its_own_column():
    chosen = Filters(["HIGH"], "open", "linear", "TenneT", "86400", " red ")
    found = filter_model(chosen, "2019-01-15T18:00:00Z")
    assert {column: rule["filter"] for column, rule in found.items()} == {
        "level": "HIGH",
        "state": "open",
        "model": "Linear attenuation",
        "zone": "TenneT",
        "name": "red",
        "raised_at": 1_547_575_200 - 86_400,
    }


def test_the_last_hours_filter_nothing_before_there_is_a_grid_time():
    assert filter_model(Filters(time="86400"), None) == {}


def test_changes_add_update_and_remove_only_what_differs():
    before = {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}
    now = {"a": {"x": 1}, "b": {"x": 2}, "d": {"x": 1}}
    assert row_changes(before, now) == {
        "add": [{"x": 1}],
        "update": [{"x": 2}],
        "remove": [{"episode_id": "c"}],
    }


def test_a_browser_gets_all_rows_once_then_only_what_changed(api, poller, episodes):
    book = RowBook()
    rows, transaction, mark = book.update(episodes, NAMES, None)
    assert ([row["episode_id"] for row in rows], transaction) == (
        ["c1", "e1", "c2", "e2"],
        no_update,
    )
    assert book.update(episodes, NAMES, mark) == (no_update,) * 3

    def change(rows):
        rows.insert(0, episode("e9"))
        rows[2]["peak_risk"] = 0.9

    changed = after(api, poller, change)
    rows, transaction, later = book.update(changed, NAMES, mark)
    assert rows is no_update
    assert [row["episode_id"] for row in transaction["add"]] == ["e9"]
    assert [row["episode_id"] for row in transaction["update"]] == ["e1"]
    assert "remove" not in transaction
    assert later != mark


def test_a_browser_whose_rows_are_not_known_gets_all_of_them(episodes):
    rows, transaction, _ = RowBook().update(episodes, NAMES, 12345)
    assert len(rows) == 4
    assert transaction is no_update


def test_the_book_of_rows_does_not_grow_without_end(api, poller, episodes):
    book = RowBook()
    _, _, first = book.update(episodes, NAMES, None)
    for place in range(KEPT_TABLES):
        found = after(api, poller, lambda rows, i=place: rows[0].update(peak_risk=i / 100))
        api.answers["runs"]["runs"][0]["event_time"] = f"2019-01-{place + 1:02}T00:00:00Z"
        book.update(found, NAMES, None)
        poller.poll()
    rows, transaction, _ = book.update(poller.episodes(), NAMES, first)
    assert transaction is no_update
    assert len(rows) == 4


def test_without_an_answer_the_table_keeps_its_rows():
    assert RowBook().update(None, {}, 7) == (no_update,) * 3


def test_an_empty_table_says_why(api, poller, episodes):
    assert empty_text(poller.snapshot(), episodes) == ""
    assert "waiting for a worker" in empty_text(Snapshot(), None)
    quiet = after(api, poller, lambda rows: rows.clear())
    assert "reaches 0.50" in empty_text(poller.snapshot(), quiet)
    assert "nothing has been replayed" in empty_text(Snapshot(grid=poller.snapshot().grid), None)


def test_the_page_is_in_the_navigation():
    assert "/alarms" in [page.path for page in PAGES if not page.below]
