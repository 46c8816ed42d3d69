"""Files import downwards only: docs/design.md says who may know whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"topology", "tables", "agents", "ui", "gridstress", "bench", "tests", "scripts"}
MAY_KNOW = {
    "topology": {"topology"},
    "tables": {"topology", "tables"},
    "agents": {"topology", "tables", "agents"},
    "ui": {"topology", "tables", "ui"},
    "gridstress": {"topology", "tables", "agents", "ui", "gridstress"},
}


def imported(path: Path) -> set[str]:
    """Our own packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names & OURS


@pytest.mark.parametrize("package", MAY_KNOW)
def test_a_package_knows_only_those_below_it(package: str) -> None:
    above = {
        str(path.relative_to(ROOT)): sorted(imported(path) - MAY_KNOW[package])
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    assert {path: names for path, names in above.items() if names} == {}
