"""``gridstress archive``, killed at random: every row, window and alert is in files, once."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from gridstress.archive.history import open_history
from gridstress.kafka.topics import MEASUREMENTS
from tests.integration.harness import Stack, records, wait_for
from topology.codec import decode
from topology.errors import DataError, MessageError
from topology.messages import MeasurementFrame
from ui.schema.endpoints import ENDPOINTS

pytestmark = [pytest.mark.integration, pytest.mark.kafka_too]

Rows = dict[tuple[str, int], tuple[list[str], list[float]]]
"""Nodes and loads of each row, by zone and number."""

KILLS = 3
SPAN = ("--start", "2025-01-07", "--until", "2025-01-13", "--speed", "120000")


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        yield running


async def sent(broker: str, run: str) -> Rows:
    found: Rows = {}
    for record in await records(broker, MEASUREMENTS):
        try:
            frame = decode(record.value, MeasurementFrame)
        except MessageError:  # of another test
            continue
        if frame.run == run and not frame.final:
            for i, load in enumerate(frame.load_mw):
                found[frame.zone, frame.seq + i] = frame.nodes, load
    return found


def archived(home: Path) -> Rows:
    query = (
        "SELECT zone, seq, nodes, load_mw FROM measurements WHERE run = 'killed' AND NOT \"final\""
    )
    try:
        found = open_history(home).execute(query).fetchall()
    except (duckdb.IOException, DataError):  # compacted meanwhile, or nothing there yet
        return {}
    assert len({(zone, seq) for zone, seq, *_ in found}) == len(found)
    return {(zone, seq): (nodes, load) for zone, seq, nodes, load in found}


@pytest.fixture(scope="module")
def killed(stack: Stack, broker: str) -> Rows:
    """The rows of the run `killed`, during which its archive was killed at random."""
    rng = random.Random(7)
    home, log = stack.directory / ".gridstress/archive", stack.directory / "archive.log"
    replay = stack.start("replay", "--run", "killed", *SPAN)
    for _ in range(KILLS):
        archive = stack.begin("archive", log=log)
        time.sleep(rng.uniform(0.5, 2.5))  # as chance has it
        archive.send_signal(signal.SIGKILL)
        archive.wait()
    wait_for(lambda: not replay.alive, "the replay is through")
    stack.verify("killed")
    archive = stack.begin("archive", log=log)
    rows = asyncio.run(sent(broker, "killed"))
    wait_for(lambda: len(archived(home)) == len(rows), "all is archived")
    archive.send_signal(signal.SIGTERM)
    assert archive.wait(30) == 0, log.read_text()
    return rows


def test_an_archive_that_is_killed_holds_everything_once(stack: Stack, killed: Rows) -> None:
    assert archived(stack.directory / ".gridstress/archive") == killed
    judged = stack.command("verify", "--archive", "killed", "--json")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    counts = json.loads(judged.stdout)["outcomes"]["linear"]["counts"]
    assert counts["windows found"] == counts["windows expected"] == 4 * 144


@pytest.mark.usefixtures("killed")
def test_a_worker_answers_from_the_archive(stack: Stack) -> None:
    worker = stack.workers[0]
    (run,) = [run for run in worker.get("history/runs")["runs"] if run["run"] == "killed"]
    assert run["record"]["state"] == "ended"
    live = worker.get("state", run="killed", model="linear")
    strip = worker.get("history/extremes", run="killed", model="linear")
    at = strip["window_end"][strip["risk"].index(max(strip["risk"]))]
    moment = worker.get("history/moment", run="killed", at=at)
    assert max(moment["risk"]) == max(strip["risk"])
    assert (moment["event_time"], moment["nodes"]) == (at, live["nodes"])
    node = live["nodes"][moment["risk"].index(max(moment["risk"]))]
    assert (
        worker.get(f"history/node/{node}", run="killed", at=at)["windows"][-1]["window_end"] == at
    )
    assert worker.get("history/alerts", run="killed", at=at)["alerts"]
    assert "exists" in worker.get("history/moment", run="unknown")
    for path in ENDPOINTS:
        if path.startswith("/history/") and path != "/history/runs":
            asked = path.removeprefix("/").format(node_id=node)
            assert "run is missing" in worker.get(asked)["error"], path


@pytest.mark.usefixtures("killed")
def test_an_archived_run_is_sent_again(stack: Stack) -> None:
    done = stack.command("replay", "--archive", "killed", "--run", "again", "--speed", "max")
    assert done.returncode == 0, done.stderr
    stack.verify("again")
    first = json.loads((stack.directory / "killed.episodes.json").read_text())
    assert json.loads(stack.episodes("again")) == first


def test_a_full_disk_ends_the_archive_with_a_word_and_nothing_is_lost(
    stack: Stack,
    killed: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = stack.directory / "small"
    monkeypatch.setitem(stack.environment, "GRIDSTRESS_ARCHIVE_DIR", str(home))
    # No file of it may be larger than 16 kB.
    full = subprocess.run(
        ["bash", "-c", f"ulimit -f 16; exec {sys.executable} -m gridstress archive"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **stack.variables},
        cwd=stack.directory,
        timeout=60,
        check=False,
    )
    assert full.returncode == 1
    assert "error: the archive" in full.stderr
    assert "cannot be written" in full.stderr
    assert "nothing is lost" in full.stderr
    archive = stack.begin("archive", log=stack.directory / "archive.log")
    wait_for(lambda: len(archived(home)) == len(killed), "all is archived")
    archive.send_signal(signal.SIGTERM)
    assert archive.wait(30) == 0
    judged = stack.command("verify", "--archive", "killed")
    assert judged.returncode == 0, judged.stdout + judged.stderr
