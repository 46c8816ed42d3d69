"""Files import downwards only: docs/code.md says who may know whom."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("topology", "tables", "agents", "ui", "gridstress", "bench", "tests", "scripts")
MAY_KNOW = {
    "topology": {"topology"},
    "tables": {"topology", "tables"},
    "agents": {"topology", "tables", "agents"},
    "ui": {"topology", "tables", "ui"},
    "gridstress": {"topology", "tables", "agents", "ui", "gridstress"},
    "bench": {"topology", "tables", "agents", "ui", "gridstress", "bench"},
}

FLOORS = {
    "topology": ("", "physics", "influence", "loaders"),
    "tables": ("",),
    "agents": ("",),
    "ui": (
        "",
        "schema",
        "client",
        "api",
        "dashboard/style",
        "dashboard/figures",
        "dashboard/shell",
        "dashboard/panels",
        "dashboard/pages/alarms",
        "dashboard/pages/compare",
        "dashboard/pages/node",
        "dashboard/pages/overview",
        "dashboard/pages/system",
        "dashboard/pages",
        "dashboard/serving",
        "dashboard",
    ),
    "gridstress": (
        "",
        "datasets",
        "faust_fixes",
        "faust_fixes/examples",
        "kafka",
        "group_settings",
        "archive",
        "local",
        "run_records",
        "replay",
        "live",
        "runtime",
        "verify",
        "compare",
        "admin",
        "worker.py",
        "settings_reference.py",
        "topics_reference.py",
        "cli",
        "__main__.py",
    ),
    "bench": (
        "harness",
        "inputs",
        "results",
        "measures",
        "peers",
        "peers/quix",
        "peers/pathway",
        "peers/bytewax",
        "",
    ),
}
"""Each package's folders from the lowest to the highest, "" for its loose files, and such loose
files as stand higher. A file may import its own floor and those below."""

APART = (
    *((f"ui/dashboard/pages/{one}", "ui/dashboard/pages") for one in
      ("alarms", "compare", "node", "overview", "system")),
)  # fmt: skip
"""Folders that import nothing of another one outside themselves."""


KNOWN = {
    # `faust -A gridstress` asks the package for its app, which is then made.
    ("gridstress/__init__.py", "gridstress/worker.py"),
}
"""The imports that lead upwards."""


def modules() -> dict[str, str]:
    """Path by module name, of all our files."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            local = path.relative_to(ROOT)
            parts = local.parent.parts if local.stem == "__init__" else local.with_suffix("").parts
            found[".".join(parts)] = local.as_posix()
    return found


MODULES = modules()


def imports(source: str) -> set[str]:
    """Our own files that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {MODULES[name] for name in names if name in MODULES}


def floor(path: str) -> int:
    """Index of a file's floor within its package."""
    package, _, local = path.partition("/")
    floors = FLOORS[package]
    return floors.index(local if local in floors else local.rpartition("/")[0])


def upward(path: str, source: str) -> list[str]:
    """What a file imports although it stands higher, or belongs to another package above."""
    package = path.partition("/")[0]
    found = []
    for other in sorted(imports(source)):
        theirs = other.partition("/")[0]
        above = theirs == package and floor(other) > floor(path)
        if (theirs not in MAY_KNOW[package] or above) and (path, other) not in KNOWN:
            found.append(other)
    return found


def sources(package: str) -> dict[str, str]:
    return {
        path: (ROOT / path).read_text("utf-8")
        for path in MODULES.values()
        if path.startswith(f"{package}/")
    }


@pytest.mark.parametrize("package", MAY_KNOW)
def test_a_file_knows_only_those_on_its_floor_and_below(package: str) -> None:
    found = {path: upward(path, source) for path, source in sources(package).items()}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("package", FLOORS)
def test_every_folder_has_its_floor_and_says_in_a_line_what_it_is_for(package: str) -> None:
    folders = {path.rpartition("/")[0] for path in sources(package)}
    assert folders <= {f"{package}/{name}".rstrip("/") for name in FLOORS[package]}
    table = (ROOT / "docs" / "code.md").read_text("utf-8")
    for folder in folders:
        docstring = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text("utf-8")))
        assert docstring, folder
        line = docstring.splitlines()[0].removesuffix(".").replace("``", "`")
        assert f"| `{folder}/` | {line} |" in table


@pytest.mark.parametrize(("folder", "around"), APART)
def test_some_folders_stand_apart(folder: str, around: str) -> None:
    for path, source in sources(folder).items():
        for other in imports(source):
            inside = other.startswith(f"{folder}/") or not other.startswith(f"{around}/")
            assert inside or other == f"{around}/__init__.py", f"{path}: {other}"


def defined(path: str) -> set[str]:
    """Functions and classes of a file, and the functions of its classes as ``Class.name``."""
    found = set()
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found |= {node.name, *(f"{node.name}.{getattr(one, 'name', '')}" for one in node.body
                                   if isinstance(node, ast.ClassDef))}  # fmt: skip
    return found


def test_the_way_of_a_measurement_passes_functions_that_there_are() -> None:
    page = (ROOT / "docs" / "way-of-a-measurement.md").read_text("utf-8")
    steps = re.findall(r"`([\w/]+\.py)`: `([\w.]+)`(?:, `([\w.]+)`)?", page)
    assert len(steps) >= 16
    for path, *names in steps:
        assert {name for name in names if name} <= defined(path), path


def test_the_corrections_of_faust_stand_alone() -> None:
    for path, source in sources("gridstress").items():
        if path.startswith("gridstress/faust_fixes/"):
            others = {other for other in imports(source) if "faust_fixes" not in other}
            assert not others, path


@pytest.mark.parametrize(
    ("path", "planted", "above"),
    [
        ("topology/grid.py", "from topology.loaders import native", "topology/loaders/native.py"),
        ("tables/pane.py", "import agents.risk", "agents/risk.py"),
        ("gridstress/kafka/probe.py", "import gridstress.cli.up", "gridstress/cli/up.py"),
        ("gridstress/settings.py", "from gridstress import worker", "gridstress/worker.py"),
        ("ui/client/http.py", "def f():\n    import ui.api.routes", "ui/api/routes.py"),
    ],
)
def test_a_planted_upward_import_is_found(path: str, planted: str, above: str) -> None:
    assert above in upward(path, planted)
