from pathlib import Path

from bench.measures.source_lines import code_lines, java_lines, python_lines

PYTHON = '''"""A module."""

import os  # why

# Only a comment.
NAME = "a"
"""What it is."""


def f(
    x: int,
) -> str:
    """Say something.

    At length.
    """
    return """two
lines"""
'''

JAVA = """/** A class. */
package a; // why

/*
 * Only a comment.
 */
class A {
  String s = "/* no comment */ // neither";
  char quote = '"'; /* one
  that ends here */ int x = 1;

  String text = \"\"\"
      // text "quoted"
      \"\"\";
}
"""


def test_comments_blank_lines_and_docstrings_are_no_code():
    assert python_lines(PYTHON) == 7


def test_java_comments_are_no_code_but_what_looks_like_them_in_a_string_is():
    assert java_lines(JAVA) == 9


def test_files_are_counted_together(tmp_path: Path):
    (tmp_path / "a.py").write_text(PYTHON)
    (tmp_path / "A.java").write_text(JAVA)
    assert code_lines(tmp_path.iterdir()) == 16
