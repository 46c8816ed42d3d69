"""Which examples property tests draw: the same in the gate, others with each seed of explore."""

from pathlib import Path

import pytest

from tests.support.inner import folder_of, output_of

PROPERTY = """
import pytest
from hypothesis import given, settings, strategies as st

drawn = []

@settings(max_examples=200)
@given(st.integers() | st.text())
def test_it(found):
    drawn.append(found)

def test_print():
    print("drawn", hash(repr(drawn)), len(drawn))

@pytest.mark.explore(only=True)
def test_long():
    print("only explored")
"""


@pytest.fixture
def property_test(tmp_path: Path) -> Path:
    return folder_of(tmp_path, PROPERTY)


def drawn(folder: Path, *words: str) -> str:
    output = output_of(folder, *words, PYTHONHASHSEED="0")
    assert ("only explored" in output) == ("explore" in words)
    lines = output.splitlines()
    (line,) = (line for line in lines if "drawn" in line)
    return line[line.index("drawn") :]


def test_the_gate_draws_the_same_whatever_else_is_imported(property_test: Path) -> None:
    first = drawn(property_test)
    (property_test / "more.py").write_text("MORE = [7_654_321, 1_234_567, 'words', 'of ours']\n")
    with (property_test / "conftest.py").open("a") as conftest:
        conftest.write("import more\n")
    assert drawn(property_test) == first


def test_explore_draws_what_its_seed_says(property_test: Path) -> None:
    words = ("--hypothesis-profile", "explore", "--explore-seed")
    one, again, other = (drawn(property_test, *words, seed) for seed in ("1", "1", "2"))
    assert one == again
    assert one != other
