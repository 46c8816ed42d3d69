"""What the user has set does not reach the tests."""

from pathlib import Path

from tests.support.inner import folder_of, output_of

TEST = """
import os
from gridstress.settings import load_settings

def test_it():
    settings = load_settings()
    assert (settings.partitions, settings.group) == (4, "gridstress")
    assert "COLUMNS" not in os.environ
"""


def test_neither_variables_nor_a_file_of_settings_count(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, TEST)
    (folder / ".env").write_text("GRIDSTRESS_GROUP=mine\n")
    assert "1 passed" in output_of(folder, GRIDSTRESS_PARTITIONS="12", COLUMNS="20")
