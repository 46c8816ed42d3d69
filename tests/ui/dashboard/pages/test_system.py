import msgspec
import pytest

from gridstress.settings_reference import setting_meanings
from tests.ui import literal_api
from ui.dashboard.pages.system import panels as panel
from ui.schema.system import System

NOW = 1e9


def system_of(*workers, **changes):
    found = literal_api.system(NOW) | changes
    return msgspec.convert(found | ({"workers": list(workers)} if workers else {}), System)


def two():
    """One worker at work on partitions 0 and 1, one silent for 20 s on 2 and 3."""
    silent = literal_api.worker("host:6067", NOW - 20)
    silent["partitions"] = {"grid_measurements": [2, 3]}
    return system_of(literal_api.worker(seen_at=NOW), silent)


def text_of(component):
    if component is None or isinstance(component, (str, int, float)):
        return str(component or "")
    if isinstance(component, (list, tuple)):
        return " ".join(text_of(part) for part in component)
    return text_of(getattr(component, "children", None))


def cells(table):
    """The rows of a table as texts."""
    rows = (
        [*table.children[0].children.children],
        *(row.children for row in table.children[1].children),
    )
    return [[text_of(cell) for cell in row] for row in rows]


def test_the_cards_sum_over_the_workers():
    cards = panel.card_values(system_of())
    assert (cards["workers"].value, cards["workers"].detail) == ("1", "1 ok")
    assert cards["throughput"].value == "20.5"
    assert (cards["lag"].value, cards["lag"].detail) == ("1,234", "1,234 in stress_events")
    assert cards["late"].value == "2 · 5"
    assert (cards["refused"].value, cards["refused"].detail) == (
        "3",
        "invalid 2 · unknown zone 1",
    )
    assert cards["odd"].value == "3 · 1"


def test_rows_that_every_worker_knows_of_are_not_counted_twice():
    cards = panel.card_values(two())
    assert cards["late"].value == "2 · 5"
    assert cards["odd"].value == "6 · 1"


def test_a_silent_worker_is_counted_as_such_and_its_last_throughput_is_not():
    cards = panel.card_values(two())
    assert (cards["workers"].value, cards["workers"].detail) == ("2", "1 silent worker")
    assert cards["throughput"].value == "20.5"


def test_no_worker_at_all_is_a_state_of_its_own():
    empty = system_of(workers=[])
    assert panel.card_values(empty)["workers"].value == "0"
    assert "No worker" in text_of(panel.worker_table(empty))
    assert "No worker" in text_of(panel.partition_tables(empty, 4))


@pytest.mark.parametrize(
    ("silent_s", "status", "words"),
    [(1, "ok", "ok"), (7.9, "rebalancing", "rebalancing"), (20, "ok", "silent for 20 s")],
)
def test_a_workers_state_is_what_it_says_or_how_long_it_has_been_silent(silent_s, status, words):
    worker = literal_api.worker(seen_at=NOW - silent_s) | {"status": status}
    assert panel.state_words(system_of(worker).workers[0], NOW) == words


def test_the_workers_table_tells_everything_in_words():
    head, busy, silent = cells(panel.worker_table(two()))
    assert head[:5] == ["Worker", "Role", "State", "Up for", "Memory"]
    assert busy[:5] == ["host:6066", "worker", "ok", "2 h", "140 MB"]
    assert busy[5] == "detection 4.0, propagation 16.5"
    assert busy[6:11] == ["2", "5", "3", "1", "invalid 2, unknown zone 1"]
    assert busy[11] == "gridstress 0.1.0 · faust 0.15.3 · Python 3.11.7"
    assert silent[:3] == ["host:6067", "worker", "silent for 20 s"]


def test_the_workers_table_names_the_groups_settings():
    worker = literal_api.worker() | {"settings": "3f0c5e1b9a42"}
    _, row = cells(panel.worker_table(system_of(worker)))
    assert row[11].endswith(" · settings 3f0c5e1b9a42")


def test_a_view_server_is_named_and_owns_no_partition():
    views = literal_api.worker("host:6070", NOW) | {"role": "views", "partitions": {}, "lag": {}}
    alone = literal_api.worker(seen_at=NOW) | {"role": "worker"}
    system = system_of(alone, views)
    card = panel.card_values(system)["workers"]
    assert (card.value, card.detail) == ("1", "1 ok · 1 view server")
    _, *rows = cells(panel.worker_table(system))
    assert [row[1] for row in rows] == ["worker without views", "view server"]
    measurements, _ = panel.partition_tables(system, 4)
    assert [row[0] for row in cells(measurements.children[1])] == ["partition", "host:6066"]


def test_the_matrix_shows_who_owns_which_partition_and_names_the_orphans():
    tables = panel.partition_tables(two(), 4)
    measurements, stress = tables
    rows = cells(measurements.children[1])
    assert rows[0] == ["partition", "0", "1", "2", "3", "lag"]
    assert rows[1] == ["host:6066", "●", "●", "·", "·", "0"]
    assert rows[2] == ["host:6067", "·", "·", "●", "●", "0"]
    assert text_of(measurements).endswith("No worker reports partition 2, 3.")
    assert text_of(stress.children[0]) == "stress_events lag 2,468"
    assert text_of(stress.children[2]) == ""


def test_a_partition_beyond_the_expected_number_is_shown_too():
    rows = cells(panel.partition_tables(system_of(), 2)[1].children[1])
    assert rows[0] == ["partition", "0", "1", "2", "3", "lag"]


def test_settings_are_listed_by_name_with_what_they_are_for():
    rows = panel.setting_rows(system_of().settings, setting_meanings())
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert rows[0]["name"] == "GRIDSTRESS_BROKER"
    assert rows[0]["meaning"].startswith("Bootstrap servers.")
    assert panel.setting_rows({"NEW": "1"}, {}) == [{"name": "NEW", "value": "1", "meaning": ""}]
