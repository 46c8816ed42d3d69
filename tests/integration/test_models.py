"""Three models instead of two, from the setting to the verdict."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.harness import Stack, send, wait_for

pytestmark = pytest.mark.integration

THREE = ["linear", "centrality", "electrical"]
DAYS = ["--start", "2025-01-07", "--until", "2025-01-09", "--speed", "max"]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"GRIDSTRESS_MODELS": ",".join(THREE)}
    with Stack(broker, tmp_path_factory.mktemp("three"), environment) as running:
        running.add_worker()
        yield running


def metrics(stack: Stack) -> str:
    return httpx.get(f"{stack.workers[0].url}/metrics").text


@pytest.fixture(scope="module")
def before(stack: Stack) -> str:
    """The metrics before anything was sent."""
    return metrics(stack)


@pytest.fixture(scope="module")
def verdict(stack: Stack, before: str) -> dict[str, Any]:
    """On two winter days that were replayed and worked off."""
    done = stack.command("replay", "--run", "r", *DAYS)
    assert done.returncode == 0, done.stderr
    return stack.verify("r")


@pytest.fixture(scope="module")
def ran(stack: Stack, verdict: dict[str, Any]) -> Stack:
    return stack


def test_counters_of_every_enabled_model_begin_at_zero(before: str) -> None:
    for model in THREE:
        for stage in (f"propagation_{model}", f"risk_{model}"):
            assert f'gridstress_frames_total{{stage="{stage}"}} 0.0' in before
        assert f'gridstress_duplicate_frames_total{{model="{model}"}} 0.0' in before
        labels = f'level="HIGH",model="{model}",state="RAISED"'
        assert f"gridstress_alarm_steps_total{{{labels}}} 0.0" in before


def test_a_run_is_verified_equal_for_all_three(verdict: dict[str, Any]) -> None:
    assert verdict["ok"]
    for model in THREE:
        counts = verdict["outcomes"][model]["counts"]
        assert counts["windows found"] == counts["windows expected"] > 0
        assert counts["open windows found"] == counts["open windows expected"] > 0
        assert counts["episodes equal"] == counts["episodes expected"] > 0


def test_the_api_answers_for_each_and_compares_any_two(ran: Stack) -> None:
    worker = ran.workers[0]
    grid = worker.get("grid")
    assert grid["models"] == THREE
    assert [grid["model_info"][model]["title"] for model in THREE] == [
        "Linear attenuation",
        "Centrality-based",
        "Electrical sensitivity",
    ]
    states = {model: worker.get("state", model=model) for model in THREE}
    assert len({tuple(state["risk"]) for state in states.values()}) == 3
    pair = ["electrical", "linear"]
    compared = worker.get("compare", models=",".join(pair))
    assert list(compared["models"]) == pair
    assert compared["models"]["electrical"]["risk"] == states["electrical"]["risk"]
    history = worker.get("compare/history", models=",".join(pair))
    assert list(history["points"][-1]["average_risk"]) == pair
    assert history["points"][-1]["rank_correlation"] is not None
    assert worker.get("compare", models="linear,magic")["exists"] == THREE


def test_commands_know_every_enabled_model_and_no_other(ran: Stack) -> None:
    done = ran.command("alerts", "--model", "electrical", "--run", "r", "--json")
    assert done.returncode == 0, done.stderr
    assert '"model":"electrical"' in done.stdout
    wrong = ran.command("alerts", "--model", "magic")
    assert wrong.returncode == 2
    assert "linear, centrality, electrical" in wrong.stderr


def test_what_a_third_models_stage_cannot_read_becomes_a_dead_letter_and_can_be_sent_back(
    ran: Stack,
) -> None:
    topic = "propagated_stress_electrical"
    asyncio.run(send(ran.bootstrap, topic, [(0, b"rubbish")]))
    wait_for(
        lambda: "risk_electrical" in ran.command("dead-letters", "list", "--json").stdout,
        "the record is refused",
    )
    done = ran.command("dead-letters", "replay", "--dry-run")
    assert f"would send 1 records to {topic}" in done.stdout


def test_a_run_on_the_broker_is_compared_as_its_load_would_be(ran: Stack) -> None:
    quick = ["--no-sweep", "--no-physics", "--json"]
    of_run, of_load = (
        json.loads(
            ran.command("compare", *which, *quick, "--html", str(ran.directory / name)).stdout
        )
        for which, name in (
            (["--run", "r"], "r.html"),
            (["synthetic", *DAYS[:4]], "load.html"),
        )
    )
    assert (of_run.pop("run"), of_load.pop("run")) == ("r", "synthetic")
    assert of_run == of_load
    assert len(of_run["pairs"]) == 3
    assert (ran.directory / "r.html").exists()
    for model in THREE:
        reported = ran.command("alerts", "--model", model, "--run", "r", "--json").stdout
        raised = sum('"state":"RAISED"' in line for line in reported.splitlines())
        assert sum(of_run["models"][model]["episodes"].values()) == raised > 0
