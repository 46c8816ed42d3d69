import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridstress import __version__
from gridstress.cli import app
from gridstress.local import processes
from tests.support import commands

CHECKOUT = Path(__file__).parents[3]
COMMANDS = [
    "up",
    "down",
    "replay",
    "data",
    "topology",
    "alerts",
    "verify",
    "audit",
    "dead-letters",
    "ui",
    "config",
    "doctor",
]


def gridstress(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    home = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return commands.run(words, home | environment, Path.cwd(), timeout_s=60)


def test_help_lists_every_command_and_the_exit_codes() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    for word in (*COMMANDS, "3 broker unreachable", "4 bad data"):
        assert word in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, gridstress.cli; "
        "print([m for m in ('faust', 'pandas', 'dash', 'networkx', 'aiokafka', 'scipy') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_error_cannot_command_a_terminal() -> None:
    done = gridstress("data", "show", "no\x1b[8mwhere")
    assert r"no\x1b[8mwhere" in done.stderr
    assert "\x1b" not in done.stderr


def test_the_version_is_reported() -> None:
    assert __version__ in CliRunner().invoke(app, ["--version"]).stdout


@pytest.mark.parametrize(
    ("words", "code", "words_of_error"),
    [
        (["replay", "missing.csv"], 4, "missing.csv"),
        (["topology", "validate", "missing.json"], 4, "missing.json"),
        (["replay", "--speed", "fast"], 2, "fast"),
        (["verify"], 3, "127.0.0.1"),
        (["audit"], 3, "127.0.0.1"),
        (["alerts"], 3, "127.0.0.1"),
        (["replay", "--until", "2025-01-02"], 3, "127.0.0.1"),
    ],
)
def test_an_error_is_one_line_a_hint_and_an_exit_code(
    tmp_path: Path, words: list[str], code: int, words_of_error: str
) -> None:
    unreachable = f"kafka://127.0.0.1:{processes.free_port()}"
    done = gridstress(*words, GRIDSTRESS_BROKER=unreachable)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert words_of_error in done.stderr


def test_a_wrong_setting_is_wrong_usage() -> None:
    done = gridstress("config", "show", GRIDSTRESS_DECAY="7")
    assert done.returncode == 2
    assert "GRIDSTRESS_DECAY" in done.stderr


def test_settings_can_be_read_by_a_script() -> None:
    done = gridstress("config", "show", "--json", GRIDSTRESS_ALPHA="0.25")
    assert done.returncode == 0, done.stderr
    assert "0.25" in done.stdout
    json.loads(done.stdout)


def test_importing_the_package_builds_no_app_and_asking_for_it_does() -> None:
    code = (
        "import sys, gridstress; assert 'faust' not in sys.modules; "
        "app = gridstress.app; print(app.conf.id, sorted(app.agents))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "gridstress"
    for name in ("detection", "propagation_linear", "risk_centrality"):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("environment", "code", "words"),
    [
        ({"GRIDSTRESS_SIZE_S": "5000"}, 2, "not a multiple"),
        ({"GRIDSTRESS_TOPOLOGY": "missing.json"}, 4, "missing.json"),
        ({}, 3, "no Kafka broker answers"),
    ],
)
def test_a_worker_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, environment: dict[str, str], code: int, words: str
) -> None:
    unreachable = f"kafka://127.0.0.1:{processes.free_port()}"
    done = commands.run(
        ["-A", "gridstress", "worker", "--web-port", str(processes.free_port())],
        {"PATH": "/usr/bin:/bin", "GRIDSTRESS_BROKER": unreachable} | environment,
        tmp_path,
        timeout_s=60,
        module="faust",
    )
    assert done.returncode == code, done.stderr
    assert words in done.stderr.split("error: ")[-1]
    assert "Traceback" not in done.stderr


def test_alerts_of_a_model_that_is_not_enabled_are_a_wrong_usage_that_names_the_enabled() -> None:
    done = gridstress("alerts", "--model", "electrical", GRIDSTRESS_MODELS="linear")
    assert done.returncode == 2
    assert "'electrical' is not a model that is enabled; there are linear" in done.stderr
