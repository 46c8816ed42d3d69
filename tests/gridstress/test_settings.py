from pathlib import Path

import pytest

from gridstress.settings import SECRETS, Settings, load_settings
from gridstress.settings_reference import example, page
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


def test_two_models_are_enabled_and_any_others_may_be() -> None:
    assert load_settings().model_names == ("linear", "centrality")
    assert load_settings(models="electrical").model_names == ("electrical",)
    assert load_settings(models=" centrality, linear").model_names == ("centrality", "linear")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("linear,magic", "unknown model 'magic'; there are linear, centrality, electrical"),
        ("linear,,centrality", "unknown model ''"),
        ("linear,linear", "names a model twice"),
        (" ", "names no model; there are linear"),
    ],
)
def test_models_that_cannot_be_enabled_are_refused(value: str, words: str) -> None:
    with pytest.raises(UsageError, match="GRIDSTRESS_MODELS has value") as caught:
        load_settings(models=value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_TOKEN", "too-short"),
        ("API_TOKEN", "sixteen or more with spaces"),
        ("API_TOKEN", "sechzehn-Zeichen-über-und-mehr"),
        ("BROKER", "kafka://user:hidden-word@host:9092"),
        ("API_URLS", "http://user:hidden-word@host:6066"),
    ],
)
def test_a_wrong_secret_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"GRIDSTRESS_{name}", value)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert f"GRIDSTRESS_{name}" in str(caught.value)
    assert value not in str(caught.value)
    assert "hidden-word" not in str(caught.value)


def test_an_empty_secret_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"GRIDSTRESS_{name.upper()}", "")
    settings = load_settings()
    assert [getattr(settings, name) for name in SECRETS] == [None] * len(SECRETS)
    assert len(SECRETS) == 4
    assert settings.token == ""


def test_a_secret_is_masked_wherever_settings_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSTRESS_API_TOKEN", "correct-horse-battery")
    settings = load_settings()
    assert settings.token == "correct-horse-battery"
    written = repr(settings) + str(settings.model_dump()) + settings.model_dump_json()
    assert "correct-horse" not in written


def test_every_setting_has_a_reason() -> None:
    missing = [name for name, field in Settings.model_fields.items() if not field.description]
    assert missing == []


def test_the_page_of_settings_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m gridstress.settings_reference > docs/settings.md"


def test_the_example_of_an_env_file_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    assert written == example(), "run: python -m gridstress.settings_reference --env > .env.example"


def test_the_example_says_what_holds_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    without = load_settings()
    taken = "\n".join(
        line.removeprefix("#") if line.startswith("#GRIDSTRESS_") else line
        for line in example().splitlines()
    )
    (tmp_path / ".env").write_text(taken, encoding="utf-8")
    assert load_settings() == without


@pytest.mark.parametrize("text", ["*", "localhost", "10.0.0.0/8", "no address"])
def test_a_proxy_is_named_by_its_address(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GRIDSTRESS_UI_PROXY", "10.0.0.7")
    assert str(load_settings().ui_proxy) == "10.0.0.7"
    monkeypatch.setenv("GRIDSTRESS_UI_PROXY", text)
    with pytest.raises(UsageError, match="GRIDSTRESS_UI_PROXY") as caught:
        load_settings()
    assert "IPv4" in str(caught.value)
