"""Workers of a group share their settings: one that differs does not start."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.harness.brokers import apache_broker
from gridstress.admin import accept_settings as settings_accept
from gridstress.admin.accept_settings import accept, plan_accept
from gridstress.group_settings.rule import Mine
from gridstress.group_settings.settings_log import append, join, read_log
from gridstress.kafka.topic_reader import partition_count
from gridstress.kafka.topics import MEASUREMENTS, changelog, ensure_topics, settings_log, windows
from gridstress.local import processes
from gridstress.settings import Settings, load_settings
from tests.integration.harness import Sent, Stack, Worker, go_back, records, send, wait_for
from topology.errors import DataError, GridstressError, UsageError
from topology.loaders import load_grid, to_json
from topology.models import DEFAULT_MODELS

pytestmark = pytest.mark.integration

GRID = load_grid("germany")
DAY = ["--start", "2025-01-07", "--until", "2025-01-08", "--speed", "max"]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        yield running


def refused(stack: Stack, **environment: str) -> str:
    """The line in which a worker says why it does not start."""
    worker = stack.begin_worker(**environment)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 1, output
    messages = [json.loads(line)["message"] for line in output.splitlines()]
    error, hint = next(t for t in messages if t.startswith("error: ")).splitlines()
    assert hint.startswith("hint: give this worker the group's settings; or stop all workers")
    return error


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"GRIDSTRESS_MODELS": "linear,centrality,electrical"},
            "GRIDSTRESS_MODELS is centrality,electrical,linear, the group's centrality,linear",
        ),
        ({"GRIDSTRESS_STEP_S": "1800"}, "GRIDSTRESS_STEP_S is 1800, the group's 3600"),
        ({"GRIDSTRESS_DECAY": "0.5"}, "GRIDSTRESS_DECAY is 0.5, the group's 0.7"),
    ],
)
def test_a_worker_with_another_setting_does_not_start(
    stack: Stack, environment: dict[str, str], words: str
) -> None:
    assert refused(stack, **environment) == f"error: group 'gridstress' has other settings: {words}"
    with pytest.raises(DataError, match="does not exist"):  # nor are there topics of it
        asyncio.run(partition_count(stack.bootstrap, windows("electrical")))


def test_a_worker_with_a_changed_topology_of_equal_size_does_not_start(
    stack: Stack, tmp_path: Path
) -> None:
    was, path = GRID.nodes[0].id, tmp_path / "renamed.json"
    path.write_text(to_json(GRID).decode().replace(f'"{was}"', '"renamed"'), "utf-8")
    assert len(load_grid(str(path)).nodes) == len(GRID.nodes)
    error = refused(stack, GRIDSTRESS_TOPOLOGY=str(path))
    assert f"node {was!r} is only in the group's grid" in error
    assert "node 'renamed' is not in the group's grid" in error


def test_settings_that_decide_no_result_may_differ(stack: Stack) -> None:
    stack.environment["GRIDSTRESS_VIEW_INTERVAL_S"] = "0.5"
    stack.environment["GRIDSTRESS_MODELS"] = "centrality,linear"
    processes.stop(stack.add_worker().service)
    for name in ("GRIDSTRESS_VIEW_INTERVAL_S", "GRIDSTRESS_MODELS"):
        del stack.environment[name]


async def test_status_health_and_doctor_name_the_groups_settings(stack: Stack) -> None:
    group = await read_log(stack.settings)
    assert group is not None
    worker = stack.workers[0]
    assert worker.get("health")["settings"] == group.current.id
    wait_for(
        lambda: group.current.id in [w["settings"] for w in worker.get("system")["workers"]],
        "the worker has said how it is",
    )
    assert finding(stack)["detail"] == f"the same here: {group.current.id}"
    stack.environment["GRIDSTRESS_DECAY"] = "0.5"
    try:
        assert finding(stack)["detail"] == "GRIDSTRESS_DECAY is 0.5, the group's 0.7"
        assert not finding(stack)["ok"]
        shown = stack.command("settings", "show")
        assert "differs: GRIDSTRESS_DECAY is 0.5, the group's 0.7" in shown.stdout
        assert shown.returncode == 1
    finally:
        del stack.environment["GRIDSTRESS_DECAY"]
    shown = stack.command("settings", "show", "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["differences"] == []


def finding(stack: Stack) -> dict[str, Any]:
    findings = json.loads(stack.command("doctor", "--json").stdout)["findings"]
    found: dict[str, Any] = next(f for f in findings if f["name"] == "group's settings")
    return found


async def test_rubbish_in_the_log_settles_nothing_and_stops_nothing(broker: str) -> None:
    settings = of_group(broker, "rubbish")
    await ensure_topics(settings)
    topic = settings_log("rubbish")
    rubbish = [b"", b"rubbish", None, b'{"kind":"accepted","settings":{},"at":"","by":""}']
    await send(broker, topic, ((0, value) for value in rubbish))
    mine = Mine.of(settings, GRID)
    assert (await join(settings, mine)).current.settings == mine.components
    await send(broker, topic, ((0, value) for value in rubbish))
    assert (await join(settings, mine)).current.settings == mine.components
    assert len(await records(broker, topic)) == 2 * len(rubbish) + 1


def of_group(broker: str, group: str, **changes: Any) -> Settings:
    return load_settings(broker=f"kafka://{broker}", group=group, **changes)


async def test_of_two_that_join_at_the_same_instant_exactly_one_wins(broker: str) -> None:
    both_wrote = 0
    for number in range(10):
        group = f"race-{number}"
        sides = [of_group(broker, group, step_s=step_s) for step_s in (1800, 3600)]
        await ensure_topics(sides[0])
        joined = await asyncio.gather(
            *(join(side, Mine.of(side, GRID)) for side in sides), return_exceptions=True
        )
        errors = [str(result) for result in joined if isinstance(result, BaseException)]
        assert ["has other settings" in error for error in errors] == [True], errors
        both_wrote += len(await records(broker, settings_log(group))) == 2
    assert both_wrote, "none of the ten was a race"


def test_of_two_workers_started_at_the_same_instant_one_works(broker: str, tmp_path: Path) -> None:
    with Stack(broker, tmp_path, {"GRIDSTRESS_GROUP": "instant"}) as stack:
        workers = {step: stack.begin_worker(GRIDSTRESS_STEP_S=step) for step in ("1800", "3600")}
        wait_for(lambda: any(w.poll() is not None for w in workers.values()), "one has ended", 60)
        (loser,) = [step for step, worker in workers.items() if worker.poll() is not None]
        (winner,) = workers.keys() - {loser}
        output, _ = workers[loser].communicate()
        assert f"GRIDSTRESS_STEP_S is {loser}, the group's {winner}" in output
        shown = stack.command("settings", "show", "--json")
        assert json.loads(shown.stdout)["settings"]["step_s"] == winner
        assert workers[winner].poll() is None


def refusals(stack: Stack) -> list[dict[str, Any]]:
    done = stack.command("dead-letters", "list", "--json", "--reason", "other-settings")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def known(worker: Worker) -> dict[str, bool]:
    """By run, whether a change of settings has ended it."""
    return {run["run"]: run["settings_changed"] for run in worker.get("runs")["runs"]}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Stack]:
    """A worker on a broker of its own, Apache Kafka: the embedded one keeps members for ever."""
    with (
        apache_broker(directory=tmp_path / "broker") as broker,
        Stack(broker.bootstrap, tmp_path, {"GRIDSTRESS_SESSION_TIMEOUT_S": "6"}) as stack,
    ):
        stack.add_worker()
        yield stack


@pytest.mark.kafka
async def test_accepted_settings_end_the_runs_that_go_on(fresh: Stack) -> None:
    stack, worker, run = fresh, fresh.workers[0], Sent(fresh.bootstrap, "half")
    await run.send(0, 12)
    stack.verify("half")

    early = stack.command("settings", "accept", "--yes")
    assert (early.returncode, "1 workers are in the group" in early.stderr) == (2, True)
    processes.stop(worker.service)
    same = stack.command("settings", "accept", "--yes")
    assert (same.returncode, "has these settings already" in same.stderr) == (0, True)

    await go_back(stack.bootstrap, MEASUREMENTS)  # as if killed before they were committed
    stack.environment["GRIDSTRESS_STEP_S"] = "1800"
    unsure = stack.command("settings", "accept", given="n\n")
    assert unsure.returncode == 1
    done = stack.command("settings", "accept", "--yes")
    assert done.returncode == 0, done.stderr
    assert "changes: GRIDSTRESS_STEP_S is 1800, the group's 3600" in done.stderr
    assert "ends: half" in done.stderr
    assert "are not committed" not in done.stderr

    other = stack.add_worker()
    assert refused(stack, GRIDSTRESS_STEP_S="3600")
    await run.send(12, 24, end=True)
    wait_for(lambda: len(refusals(stack)) == 3 * len(GRID.zones), "all is refused", 60)
    assert {refusal["topic"] for refusal in refusals(stack)} == {MEASUREMENTS}
    wait_for(lambda: known(other).get("half") is True, "the run is marked")

    named = stack.command("replay", "--run", "half", *DAY)
    assert named.returncode == 2
    assert "run 'half' was ended when other settings were accepted" in named.stderr
    assert stack.command("replay", "--run", "after", *DAY).returncode == 0
    assert stack.verify("after")["ok"]
    assert known(other) == {"half": True, "after": False}

    wrong = stack.command("verify", "--run", "half", "--api", other.url)
    assert wrong.returncode == 1
    assert "run half was worked on with other settings: GRIDSTRESS_STEP_S is 1800" in wrong.stderr
    stack.environment["GRIDSTRESS_STEP_S"] = "3600"
    verdict = stack.verify("half")
    notes = verdict["outcomes"]["measurements"]["notes"]
    assert verdict["ok"]
    assert verdict["outcomes"]["linear"]["counts"]["windows found"] > 0
    assert any("which ended this run" in note for note in notes)
    stack.environment["GRIDSTRESS_STEP_S"] = "1800"

    # Back to the former settings: what was refused meanwhile is missing for ever.
    processes.stop(other.service)
    stack.environment["GRIDSTRESS_STEP_S"] = "3600"
    assert stack.command("settings", "accept", "--yes").returncode == 0
    last = stack.add_worker()
    wait_for(lambda: known(last).get("after") is True, "the other run is marked")
    assert known(last) == {"half": True, "after": True}


@pytest.mark.kafka
async def test_a_grid_of_another_size_is_worked_on_after_an_accept(
    fresh: Stack, tmp_path: Path
) -> None:
    stack, run = fresh, Sent(fresh.bootstrap, "half")
    await run.send(0, 12)
    stack.verify("half")
    processes.stop(stack.workers[0].service)

    plain = json.loads(to_json(GRID))
    node = plain["nodes"].pop()
    gone = node["id"]
    next(n for n in plain["nodes"] if n["zone"] == node["zone"])["share"] += node["share"]
    plain["lines"] = [e for e in plain["lines"] if gone not in (e["source"], e["target"])]
    (tmp_path / "smaller.json").write_text(json.dumps(plain), "utf-8")
    stack.environment["GRIDSTRESS_TOPOLOGY"] = str(tmp_path / "smaller.json")
    assert gone in refused(stack)
    assert stack.command("settings", "accept", "--yes").returncode == 0
    stack.add_worker()
    await run.send(12, 24, end=True)
    after = Sent(stack.bootstrap, "after", load_grid(str(tmp_path / "smaller.json")))
    await after.send(0, 24, end=True)
    assert stack.verify("after")["ok"]
    assert len(refusals(stack)) == 2 * len(GRID.zones)


@pytest.mark.kafka
async def test_what_waits_between_the_stages_is_refused(fresh: Stack) -> None:
    stack, run = fresh, Sent(fresh.bootstrap, "half")
    await run.send(0, 12)
    stack.verify("half")
    processes.stop(stack.workers[0].service)
    # As if it had been killed before it took these in: copies of a run that no table knows.
    for topic in ("stress_events", "propagated_stress_linear"):
        waiting = [
            (r.partition, r.value.replace(b"half", b"lost"))
            for r in await records(stack.bootstrap, topic)
            if r.value
        ]
        await send(stack.bootstrap, topic, waiting)
    stack.environment["GRIDSTRESS_DECAY"] = "0.5"
    done = stack.command("settings", "accept", "--yes")
    assert done.returncode == 0, done.stderr
    assert "ends: lost" in done.stderr
    assert "are not committed" in done.stderr
    stack.add_worker()
    between = {"stress_events", "propagated_stress_linear"}
    wait_for(lambda: between <= {x["topic"] for x in refusals(stack)}, "what waited is refused", 60)
    states = [
        r
        for model in DEFAULT_MODELS
        for r in await records(stack.bootstrap, changelog("gridstress", model))
    ]
    assert not any(b'"lost"' in r.key for r in states)


@pytest.mark.kafka
def test_a_suspended_worker_that_wakes_up_after_an_accept_ends(fresh: Stack) -> None:
    stack, worker = fresh, fresh.workers[0]
    os.kill(worker.service.pid, signal.SIGSTOP)
    stack.environment["GRIDSTRESS_DECAY"] = "0.5"
    wait_for(
        lambda: stack.command("settings", "accept", "--yes").returncode == 0,
        "its session has expired",
        60,
    )
    os.kill(worker.service.pid, signal.SIGCONT)
    wait_for(lambda: not worker.service.alive, "it has ended by itself", 60)
    log = Path(worker.service.log).read_text("utf-8")
    assert "has other settings: GRIDSTRESS_DECAY is 0.7, the group's 0.5" in log
    stack.add_worker()


@pytest.mark.kafka
async def test_a_group_of_an_older_version_gets_its_settings_from_the_first_worker(
    fresh: Stack,
) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    stack = fresh
    await Sent(stack.bootstrap, "half").send(0, 12)
    stack.verify("half")
    processes.stop(stack.workers[0].service)
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([settings_log("gridstress")])
    finally:
        await admin.close()
    assert "has no settings yet" in stack.command("settings", "accept", "--yes").stderr
    stack.add_worker()
    await Sent(stack.bootstrap, "half").send(12, 24, end=True)
    assert stack.verify("half")["ok"]
    assert await read_log(stack.settings) is not None


@pytest.mark.kafka
async def test_a_group_of_another_name_starts_with_other_settings(fresh: Stack) -> None:
    stack = fresh
    processes.stop(stack.workers[0].service)
    stack.environment |= {"GRIDSTRESS_DECAY": "0.5", "GRIDSTRESS_GROUP": "another"}
    stack.add_worker()
    assert stack.command("replay", "--run", "new", *DAY).returncode == 0
    assert stack.verify("new")["ok"]


@pytest.mark.kafka
async def test_an_accept_that_was_planned_on_other_settings_is_refused(fresh: Stack) -> None:
    steps = (3600, 1800, 900)
    sides = [of_group(fresh.bootstrap, "planned", step_s=step_s) for step_s in steps]
    mine = [Mine.of(side, GRID) for side in sides]
    await ensure_topics(sides[0])
    await join(sides[0], mine[0])
    change = await plan_accept(sides[1], mine[1])
    assert change.differences == ["GRIDSTRESS_STEP_S is 1800, the group's 3600"]
    await accept(sides[2], mine[2], await plan_accept(sides[2], mine[2]))
    with pytest.raises(GridstressError, match="have changed meanwhile"):
        await accept(sides[1], mine[1], change)


@pytest.mark.kafka
async def test_an_accept_and_a_worker_that_starts_meanwhile_see_each_other(
    fresh: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, worker = fresh, fresh.workers[0]
    await Sent(stack.bootstrap, "half").send(0, 12)
    stack.verify("half")
    other = of_group(stack.bootstrap, "gridstress", decay=0.5)
    mine, looked = Mine.of(other, GRID), settings_accept.refuse_while_at_work

    # The worker joins behind the first look, before the announcement.
    async def passes_once(_: Settings) -> None:
        monkeypatch.setattr(settings_accept, "refuse_while_at_work", looked)

    monkeypatch.setattr(settings_accept, "refuse_while_at_work", passes_once)
    change = await plan_accept(other, mine)
    monkeypatch.setattr(settings_accept, "refuse_while_at_work", passes_once)
    with pytest.raises(UsageError, match="1 workers are in the group"):
        await accept(other, mine, change)
    kept = await read_log(other)
    assert kept and (len(kept.eras), kept.announced) == (1, None)  # noqa: PT018

    processes.stop(worker.service)
    await append(other, *mine.announcing([], at="2026-01-01T00:00:00Z", by="test"))
    behind_it = stack.begin_worker()
    output, _ = behind_it.communicate(timeout=60)
    assert "other settings of group 'gridstress' are being accepted by test" in output
    assert "being replaced by test" in stack.command("settings", "show").stdout
    stack.environment["GRIDSTRESS_DECAY"] = "0.5"
    done = stack.command("settings", "accept", "--yes")
    assert done.returncode == 0, done.stderr
    assert "ends: half" in done.stderr
    stack.add_worker()

    # One that was broken off is taken back by accepting what is in force.
    processes.stop(stack.workers[-1].service)
    await append(other, *mine.announcing(["x"], at="2026-01-01T00:00:00Z", by="test"))
    assert "is taken back" in stack.command("settings", "accept", "--yes").stderr
    stack.add_worker()
