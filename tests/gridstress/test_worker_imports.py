"""A worker starts fast and small because it loads nothing of what only other commands need."""

import json
import subprocess
import sys

import pytest

OTHERS = {
    "the dashboard": {"dash", "dash_mantine_components", "dash_ag_grid", "plotly", "flask"},
    "the data sets": {"pandas", "pooch", "requests"},
    "the commands": {"typer", "rich", "httpx"},
    "foreign topologies": {"networkx", "matpowercaseframes"},
    "other centralities and statistics": {"scipy.linalg", "scipy.sparse.csgraph", "scipy.stats"},
}


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    code = (
        "import json, sys\n"
        "from gridstress.settings import load_settings\n"
        "from gridstress.worker import create_app\n"
        "create_app(load_settings(topology='germany'))\n"
        "print(json.dumps(list(sys.modules)))\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return set(json.loads(answer.stdout))


def test_what_a_worker_has_loaded_is_known(loaded: set[str]) -> None:
    assert {"faust", "numpy", "scipy.sparse", "agents.risk"} <= loaded


@pytest.mark.parametrize("what", OTHERS)
def test_a_worker_does_without_what_only_others_need(what: str, loaded: set[str]) -> None:
    assert loaded & OTHERS[what] == set()
