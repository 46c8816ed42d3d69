"""The notebook, executed as a reader would: in the gate with two weeks of load, in ``make explore``
with the whole year, and then it must show what it showed when it was last kept.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gridstress.datasets.catalog import open_load
from tests.support import examples

if TYPE_CHECKING:
    import nbformat

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "compare.ipynb"
CELL_S = 120
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def shown(notebook: "nbformat.NotebookNode") -> list[str]:
    """What the cells printed and returned, as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.get("text") or output["data"]["text/plain"] for output in outputs]


def executed(folder: Path) -> "nbformat.NotebookNode":
    """The notebook after its execution in a folder; a data set is taken from there first."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=CELL_S, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def write_two_weeks(path: Path) -> None:
    """Write the beginning of the synthetic year as a load file."""
    load = open_load("synthetic").values.head(14 * 24)
    long = (
        load.rename_axis("timestamp")
        .reset_index()
        .melt("timestamp", var_name="zone", value_name="load_mw")
    )
    long.to_csv(path, index=False)


@pytest.mark.explore
def test_the_notebook_runs_and_shows_what_it_shows(tmp_path: Path) -> None:
    import nbformat

    kept = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(kept)
    assert all(cell.outputs for cell in kept.cells if cell.cell_type == "code")
    if not examples.exploring():
        write_two_weeks(tmp_path / "synthetic")
    fresh = executed(tmp_path)
    assert len(shown(fresh)) == len(shown(kept))
    if not examples.exploring():
        return
    for now, then in zip(shown(fresh), shown(kept), strict=True):
        assert NUMBER.split(now) == NUMBER.split(then), f"execute and keep {NOTEBOOK.name} again"
        numbers = [[float(text) for text in NUMBER.findall(said)] for said in (now, then)]
        # Another processor may round the last digit shown the other way.
        assert numbers[0] == pytest.approx(numbers[1], rel=0.01, abs=0.011)
