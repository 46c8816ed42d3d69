from pathlib import Path

import pytest

from gridstress.settings import Settings, load_settings
from gridstress.settings_page import page
from topology.errors import UsageError


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of a developer


def test_the_environment_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSTRESS_PARTITIONS", "12")
    assert load_settings().partitions == 12


def test_an_override_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSTRESS_BROKER", "kafka://one:9092")
    assert load_settings(broker="kafka://two:9092").bootstrap == "two:9092"
    assert load_settings(broker=None).bootstrap == "one:9092"


def test_every_wrong_setting_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSTRESS_DECAY", "2")
    monkeypatch.setenv("GRIDSTRESS_STEP_S", "soon")
    with pytest.raises(UsageError) as caught:
        load_settings()
    for word in ("GRIDSTRESS_DECAY", "'2'", "GRIDSTRESS_STEP_S", "'soon'"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("size_s", 5000, "not a multiple of step_s"),
        ("level_clear", 0.6, "must rise"),
        ("level_high", 0.5, "must rise"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    name: str, value: float, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        load_settings(**{name: value})


def test_every_setting_has_a_reason() -> None:
    missing = [name for name, field in Settings.model_fields.items() if not field.description]
    assert missing == []


def test_the_page_of_settings_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m gridstress.settings_page > docs/settings.md"
