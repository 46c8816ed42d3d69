"""Lines of code of a program: no blank lines, no comments, no docstrings."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable
from pathlib import Path

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_JAVA_COMMENT = re.compile(
    r'("""(?:\\.|(?!""").)*"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|//[^\n]*|/\*.*?\*/',
    re.DOTALL,
)
"""Strings, which are kept, and comments."""


def code_lines(files: Iterable[Path]) -> int:
    """Lines of code of files in Python and Java, all together."""
    counts = {".py": python_lines, ".java": java_lines}
    return sum(counts[file.suffix](file.read_text("utf-8")) for file in files)


def python_lines(source: str) -> int:
    """Lines of a module that have code."""
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            found.update(range(token.start[0], token.end[0] + 1))
    return len(found - _docstring_lines(ast.parse(source)))


def java_lines(source: str) -> int:
    """Lines of a Java file that have code."""
    code = _JAVA_COMMENT.sub(lambda match: match[1] or "\n" * match[0].count("\n"), source)
    return sum(1 for line in code.splitlines() if line.strip())


def _docstring_lines(module: ast.Module) -> set[int]:
    """Lines of strings that stand alone: docstrings, also of attributes."""
    return {
        line
        for node in ast.walk(module)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
