"""From a load file to verified windows and episodes, on one worker, on two, and through a kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import Stack, wait_for

pytestmark = pytest.mark.integration

SLICE = ["--start", "2025-01-06", "--until", "2025-02-17", "--speed", "max"]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        yield running


def replay(stack: Stack, run: str, *words: str) -> None:
    done = stack.command("replay", "--run", run, *SLICE, *words)
    assert done.returncode == 0, done.stderr


def test_one_worker_finds_every_window_and_episode(stack: Stack) -> None:
    replay(stack, "one")
    verdict = stack.verify("one")
    assert verdict["ok"]
    assert len(stack.episodes("one")) > 1000  # there is something to compare


def test_two_workers_share_the_work_and_find_the_same(stack: Stack) -> None:
    second = stack.add_worker()
    wait_for(
        lambda: sorted(len(w.get("health")["partitions"]["propagated_stress_linear"])
                       for w in stack.workers) == [2, 2],
        "each worker owns two shards",
    )  # fmt: skip
    replay(stack, "two")
    assert stack.verify("two")["ok"]
    assert stack.episodes("two") == stack.episodes("one")
    frames = [w.get("health")["counters"]["frames"]["risk_linear"] for w in (second,)]
    assert all(frames)


def test_any_worker_answers_for_the_whole_grid(stack: Stack) -> None:
    states = [worker.get("state", run="two", model="centrality") for worker in stack.workers]
    for state in states:
        assert len(state["parts"]) == 4
        assert len({part["worker"] for part in state["parts"]}) == 2
    first, second = ({k: v for k, v in s.items() if k not in ("version", "speed")} for s in states)
    assert first == second


def test_killing_a_worker_in_mid_run_loses_and_doubles_nothing(stack: Stack) -> None:
    victim = stack.workers[0]
    before = victim.get("health")["counters"]["frames"].get("risk_linear", 0)
    replay(stack, "killed")
    wait_for(
        lambda: victim.get("health")["counters"]["frames"].get("risk_linear", 0) > before + 20,
        "the victim is in the middle of its work",
    )
    victim.kill()
    victim.restart()
    assert stack.verify("killed")["ok"]
    assert stack.episodes("killed") == stack.episodes("one")


def test_real_time_and_full_speed_tell_the_same_story(stack: Stack, tmp_path: Path) -> None:
    words = ["--start", "2025-01-08", "--until", "2025-01-10"]
    for run, speed in (("fast", "max"), ("paced", "36000")):
        done = stack.command("replay", "--run", run, *words, "--speed", speed)
        assert done.returncode == 0, done.stderr
        assert stack.verify(run)["ok"]
    assert stack.episodes("fast") == stack.episodes("paced")


def test_a_run_that_goes_on_is_verified_as_far_as_it_has_come(stack: Stack) -> None:
    live = stack.start("replay", "--run", "live", "--start", "2025-01-07", "--speed", "14400")
    wait_for(
        lambda: any(r["run"] == "live" and r["watermark"] for r in _runs(stack)), "the run is seen"
    )
    assert stack.verify("live")["ok"]
    assert live.alive


def _runs(stack: Stack) -> list[dict[str, str]]:
    runs: list[dict[str, str]] = stack.workers[-1].get("runs")["runs"]
    return runs
