from pathlib import Path

import pytest

from gridstress.cli.config import origins, unknown_settings
from gridstress.settings import load_settings


@pytest.fixture(autouse=True)
def env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRIDSTRESS_BROKER", raising=False)
    return tmp_path / ".env"


def test_each_value_names_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, env_file: Path
) -> None:
    env_file.write_text("GRIDSTRESS_ALPHA=0.9\nGRIDSTRESS_DECAY=0.5\n")
    monkeypatch.setenv("GRIDSTRESS_DECAY", "0.4")
    found = {origin.name: origin for origin in origins(load_settings())}
    assert (found["GRIDSTRESS_ALPHA"].value, found["GRIDSTRESS_ALPHA"].source) == (0.9, ".env")
    decay = found["GRIDSTRESS_DECAY"]
    assert (decay.value, decay.default, decay.source) == (0.4, 0.7, "environment")
    assert found["GRIDSTRESS_BROKER"].source == "default"
    assert all(origin.description for origin in found.values())


def test_a_misspelt_setting_is_found_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, env_file: Path
) -> None:
    assert unknown_settings() == []
    env_file.write_text("GRIDSTRESS_WEBPORT=1\nPATH_TO_SOMETHING=2\n")
    monkeypatch.setenv("GRIDSTRESS_STEPS_S", "1")
    assert unknown_settings() == [
        "GRIDSTRESS_STEPS_S (environment) is not a setting; did you mean GRIDSTRESS_STEP_S?",
        "GRIDSTRESS_WEBPORT (.env) is not a setting; did you mean GRIDSTRESS_WEB_PORT?",
    ]
