"""Which examples property tests draw: the same in the gate, others with each seed of explore."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

PROPERTY = """
from hypothesis import given, strategies as st

drawn = []

@given(st.integers() | st.text())
def test_it(found):
    drawn.append(found)

def test_print():
    print("drawn", hash(repr(drawn)), len(drawn))
"""
"""Shows what was drawn as a number; repr of integers and texts is the same in every process."""


@pytest.fixture
def property_test(tmp_path: Path) -> Path:
    folder = tmp_path / "property"
    folder.mkdir()
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_property.py").write_text(PROPERTY)
    return folder


def drawn(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:dash", "-s", "-q",
         "--rootdir", str(folder), *words, str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if "drawn" in line)
    return line[line.index("drawn") :]


def test_the_gate_draws_the_same_whatever_else_is_imported(property_test: Path) -> None:
    first = drawn(property_test)
    (property_test / "test_a.py").write_text("NUMBERS = [7_654_321, 1_234_567, 'a word of ours']\n")
    assert drawn(property_test) == first


def test_explore_draws_what_its_seed_says(property_test: Path) -> None:
    words = ("--hypothesis-profile", "explore", "--explore-seed")
    one, again, other = (drawn(property_test, *words, seed) for seed in ("1", "1", "2"))
    assert one == again
    assert one != other
