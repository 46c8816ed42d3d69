"""From a load file to verified windows and episodes, on one worker, on two, and through a kill."""

import json
from collections.abc import Iterator

import pytest

from gridstress.local import processes
from tests.integration.harness import Stack, wait_for
from tests.integration.samples import asked, of

pytestmark = pytest.mark.integration

SLICE = ["--start", "2025-01-06", "--until", "2025-01-27"]
SHARDS = 4


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        yield running


@pytest.fixture(scope="module")
def one(stack: Stack) -> str:
    """The episodes as one worker alone has found them; verified."""
    replay(stack, "one")
    assert stack.verify("one")["ok"]
    return stack.episodes("one")


@pytest.fixture(scope="module")
def two(stack: Stack, one: str) -> Stack:
    """The stack with a second worker, and with a run that both have worked off."""
    second = stack.add_worker()
    share_the_work(stack)
    replay(stack, "two")
    assert stack.verify("two")["ok"]
    assert second.get("health")["counters"]["frames"]["risk_linear"]
    return stack


def replay(stack: Stack, run: str, *words: str) -> None:
    done = stack.command("replay", "--run", run, *SLICE, "--speed", "max", *words)
    assert done.returncode == 0, done.stderr


def share_the_work(stack: Stack) -> None:
    def owned() -> list[int]:
        answers = [worker.get("health")["partitions"] for worker in stack.workers]
        return [len(partitions.get("propagated_stress_linear", [])) for partitions in answers]

    wait_for(lambda: owned() == [SHARDS // 2] * 2, "each worker owns two shards")


@pytest.mark.kafka_too
def test_two_workers_share_the_work_and_find_what_one_has_found(two: Stack, one: str) -> None:
    assert len(one) > 1000  # there is something to compare
    assert two.episodes("two") == one


def test_any_worker_answers_for_the_whole_grid(two: Stack) -> None:
    share_the_work(two)

    def reported() -> list[dict[str, object]]:
        states = [worker.get("state", run="two", model="centrality") for worker in two.workers]
        assert all(len(state["parts"]) == SHARDS for state in states)
        if any(len({part["worker"] for part in state["parts"]}) < 2 for state in states):
            return []
        first, second = (
            {k: v for k, v in state.items() if k not in ("version", "speed")} for state in states
        )
        return [first] if first == second else []

    wait_for(reported, "both workers answer the same, each with parts of the other")


def test_what_another_worker_owns_is_exported_by_that_one_alone(two: Stack) -> None:
    share_the_work(two)

    def owned_keys() -> list[set[object]]:
        reported = [asked(worker.url) for worker in two.workers]
        owned = [of(samples, "assigned_partitions", "stress_events") for samples in reported]
        tables = [
            {key for key in samples if key[0] == "gridstress_table_keys"} for samples in reported
        ]
        keys = [{key for key in found if "risk_linear" in key[1]} for found in tables]
        return keys if owned == [SHARDS / 2] * 2 and all(keys) else []

    first, second = wait_for(owned_keys, "both workers own partitions and their tables")
    assert not first & second


@pytest.mark.kafka_too
def test_killing_a_worker_in_mid_run_loses_and_doubles_nothing(two: Stack, one: str) -> None:
    share_the_work(two)
    victim = two.workers[0]

    def frames() -> int:
        counted: int = victim.get("health")["counters"]["frames"].get("risk_linear", 0)
        return counted

    before = frames()
    sending = two.start("replay", "--run", "killed", *SLICE, "--speed", "72000")
    wait_for(lambda: frames() > before + 20, "the victim is in the middle of its work")
    victim.kill()
    assert sending.alive, "the run had been sent before the worker was killed"
    processes.stop(sending)
    replay(two, "killed", "--resume")
    victim.restart()
    assert two.verify("killed")["ok"]
    assert two.episodes("killed") == one


def test_real_time_and_full_speed_tell_the_same_story(stack: Stack) -> None:
    words = ["--start", "2025-01-08", "--until", "2025-01-09"]
    for run, speed in (("fast", "max"), ("paced", "36000")):
        done = stack.command("replay", "--run", run, *words, "--speed", speed)
        assert done.returncode == 0, done.stderr
        assert stack.verify(run)["ok"]
    assert stack.episodes("fast") == stack.episodes("paced")
    assert json.loads(stack.episodes("fast"))


def test_a_run_that_goes_on_is_verified_as_far_as_it_has_come(stack: Stack) -> None:
    live = stack.start("replay", "--run", "live", "--start", "2025-01-07", "--speed", "36000")
    wait_for(
        lambda: any(r["run"] == "live" and r["watermark"] for r in _runs(stack)), "the run is seen"
    )
    assert stack.verify("live")["ok"]
    assert live.alive
    processes.stop(live)


def _runs(stack: Stack) -> list[dict[str, str]]:
    runs: list[dict[str, str]] = stack.workers[-1].get("runs")["runs"]
    return runs
