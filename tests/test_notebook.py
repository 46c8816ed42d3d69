"""The notebook, executed as a reader would, and what it showed when it was last kept."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "compare.ipynb"
CELL_S = 120
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def shown(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells printed and returned, as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.get("text") or output["data"]["text/plain"] for output in outputs]


def test_the_notebook_runs_and_shows_what_it_shows(tmp_path: Path) -> None:
    kept = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(kept)
    fresh = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(fresh, timeout=CELL_S, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert all(cell.outputs for cell in kept.cells if cell.cell_type == "code")
    assert len(shown(fresh)) == len(shown(kept))
    for now, then in zip(shown(fresh), shown(kept), strict=True):
        assert NUMBER.split(now) == NUMBER.split(then), f"execute and keep {NOTEBOOK.name} again"
        numbers = [[float(text) for text in NUMBER.findall(said)] for said in (now, then)]
        # Another processor may round the last digit shown the other way.
        assert numbers[0] == pytest.approx(numbers[1], rel=0.01, abs=0.011)
