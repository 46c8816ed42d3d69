"""Records of runs: before the first frame, after a kill, in the API, and in verify."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec.structs import replace

from gridstress.kafka.topics import MEASUREMENTS, RUNS
from gridstress.run_records.frame_sinks import KafkaSink
from gridstress.run_records.reading import read_records
from gridstress.run_records.record import Origin, Sender, with_frame
from tests.integration.harness import CHECKOUT, Stack, records, wait_for
from topology.codec import decode
from topology.loaders import load_grid
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord, ZoneSent

pytestmark = pytest.mark.integration

TOKEN = "correct-horse-battery"
WITH_IT = {"Authorization": f"Bearer {TOKEN}"}
SPAN = ["--start", "2025-01-07", "--until", "2025-01-09", "--speed", "max"]
ROWS = 48

KILLED = """
import os, signal, sys
from gridstress.cli import main
from gridstress.run_records.frame_sinks import KafkaSink

async def send(self, frames):
    os.kill(os.getpid(), signal.SIGKILL)

KafkaSink.send = send
main()
"""
"""The command line, killed when it is about to send its first frame."""


async def make_the_topic(bootstrap: str) -> None:
    """Make ``runs`` with a number of partitions that is not the settings'."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(RUNS, 7, 1)])
    finally:
        await admin.close()


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"GRIDSTRESS_API_TOKEN": TOKEN}
    asyncio.run(make_the_topic(broker))
    with Stack(broker, tmp_path_factory.mktemp("stack"), environment) as made:
        made.add_worker()
        yield made


def record_of(stack: Stack, run: str) -> RunRecord | None:
    return asyncio.run(read_records(stack.settings.kafka)).get(run)


def shown(stack: Stack, run: str) -> dict[str, Any] | None:
    """The record of a run as the API has it."""
    runs = httpx.get(f"{stack.workers[0].url}/api/v1/runs", headers=WITH_IT).json()["runs"]
    return next((known["record"] for known in runs if known["run"] == run), None)


def whole(stack: Stack) -> dict[str, ZoneSent]:
    """What is sent of a whole run of ``SPAN``."""
    zones = ("50Hertz", "Amprion", "TenneT", "TransnetBW")
    return dict.fromkeys(zones, ZoneSent(rows=ROWS, last_seq=ROWS, final=True))


def lines_of(stack: Stack, run: str) -> list[bytes]:
    path = stack.directory / f"{run}.jsonl"
    done = stack.command("replay", "--run", run, *SPAN, "--output", str(path))
    assert done.returncode == 0, done.stderr
    return path.read_bytes().splitlines()


def test_the_record_is_there_before_the_first_frame_and_a_resumed_run_counts_once(
    stack: Stack,
) -> None:
    words = ["replay", "--run", "killed", *SPAN]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *words],
        env={**os.environ, "GRIDSTRESS_BROKER": stack.settings.broker, "PYTHONPATH": str(CHECKOUT)},
        cwd=stack.directory,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    begun = record_of(stack, "killed")
    assert begun is not None
    assert (begun.kind, begun.source, begun.synthetic) == ("replay", "synthetic-2025", True)
    assert (begun.state, begun.ended, begun.sent) == ("running", None, {})
    frames = asyncio.run(records(stack.bootstrap, MEASUREMENTS))
    assert not any(b'"killed"' in frame.value for frame in frames)

    slow = stack.start(*words[:-1], "7200", "--resume")  # two hours a second
    wait_for(
        lambda: (
            sum(b'"killed"' in r.value for r in asyncio.run(records(stack.bootstrap, MEASUREMENTS)))
            > 20
        ),
        "the replay is on its way",
    )
    os.kill(slow.pid, signal.SIGKILL)
    assert record_of(stack, "killed").ended is None  # type: ignore[union-attr]
    for _ in range(2):  # of a run that is complete nothing is left to send
        assert stack.command(*words, "--resume").returncode == 0
        ended = record_of(stack, "killed")
        assert ended is not None
        assert (ended.state, ended.began, ended.sent) == ("ended", begun.began, whole(stack))
    verdict = stack.verify("killed")
    assert verdict["record"]["synthetic"] is True
    counts = verdict["outcomes"]["measurements"]["counts"]
    assert (counts["rows sent"], counts["rows lost"]) == (4 * ROWS, 0)


def test_frames_that_were_lost_before_the_topic_fail_the_verification(stack: Stack) -> None:
    frames = [decode(line, MeasurementFrame) for line in lines_of(stack, "lossy")]
    lost = [f for f in frames if f.zone == "TenneT" and not f.final][-1]
    grid = load_grid("germany")
    record = Sender(Origin("live", "meters", synthetic=False), stack.settings, grid).record("lossy")
    for frame in frames:
        record = with_frame(record, frame)

    async def send_all_but_one() -> None:
        async with KafkaSink(stack.settings, grid.zones) as sink:
            await sink.send(tuple(frame for frame in frames if frame is not lost))
            await sink.flush()
            await sink.write(RUNS, record.run, record)

    def verified() -> tuple[int, dict[str, Any]]:
        done = stack.command("verify", "--run", "lossy", "--json", "--api", stack.workers[0].url)
        return done.returncode, json.loads(done.stdout)["outcomes"]["measurements"]

    asyncio.run(send_all_but_one())
    code, outcome = verified()
    assert code == 1
    rows = len(lost.timestamps)
    assert outcome["problems"] == [
        f"zone TenneT: {ROWS} rows up to seq {ROWS} were sent, {ROWS - rows} up to {ROWS} are in "
        "the topic"
    ]
    assert outcome["counts"]["rows lost"] == rows

    async def say_that_it_goes_on() -> None:
        going = replace(record, state="running", ended=None)
        async with KafkaSink(stack.settings, grid.zones) as sink:
            await sink.write(RUNS, going.run, going)

    asyncio.run(say_that_it_goes_on())
    code, outcome = verified()
    assert (code, outcome["problems"]) == (0, [])
    assert any("the run has not ended" in note for note in outcome["notes"])


def test_the_record_says_whether_data_are_synthetic_whatever_the_run_is_called(
    stack: Stack,
) -> None:
    path = stack.directory / "measured.csv"
    rows = [f"2025-01-07T{hour:02}:00Z,TenneT,20000" for hour in range(24)]
    path.write_text("timestamp,zone,load_mw\n" + "\n".join(rows) + "\n")
    for run, options, expected in (
        ("synthetic-liar", ["--measured"], False),
        ("measured-liar", ["--synthetic"], True),
        ("synthetic-silent", [], None),
    ):
        words = ["replay", str(path), "--run", run, "--speed", "max", *options]
        assert stack.command(*words).returncode == 0
        found = wait_for(lambda run=run: shown(stack, run), "the API has the record")
        assert (found["source"], found["synthetic"]) == ("measured.csv", expected)
        url = f"{stack.workers[0].url}/api/v1/state"
        state = httpx.get(url, params={"run": run}, headers=WITH_IT).json()
        assert (state["source"], state["synthetic"]) == ("measured.csv", expected)


def test_a_feed_of_lines_has_a_record_that_goes_on(stack: Stack) -> None:
    lines = lines_of(stack, "fed")
    half = len(lines) // 2
    words = ["feed", "lines", "--source", "meters", "--measured"]
    assert stack.command(*words, given=b"\n".join(lines[:half]).decode()).returncode == 0
    begun = record_of(stack, "fed")
    assert begun is not None
    assert (begun.kind, begun.source, begun.synthetic) == ("live", "meters", False)
    assert (begun.state, begun.ended) == ("interrupted", None)
    assert sum(zone.rows for zone in begun.sent.values()) > 0
    again = b"\n".join(lines[half - 3 :]).decode()  # three are sent twice
    assert stack.command(*words, given=again).returncode == 0
    ended = record_of(stack, "fed")
    assert ended is not None
    assert (ended.state, ended.began, ended.sent) == ("ended", begun.began, whole(stack))
    assert stack.verify("fed")["ok"]


def test_what_is_posted_to_several_workers_has_one_record(stack: Stack) -> None:
    if len(stack.workers) < 2:
        stack.add_worker()
    lines = lines_of(stack, "posted")
    for i, at in enumerate(range(0, len(lines), 5)):
        url = f"{stack.workers[i % 2].url}/api/v1/measurements"
        query = {"source": "a program", "synthetic": "true"}
        body = b"\n".join(lines[at : at + 5])
        answer = httpx.post(url, params=query, content=body, headers=WITH_IT, timeout=30)
        assert answer.status_code == 200, answer.text
        if i == 0:
            record = record_of(stack, "posted")
            assert record is not None
            assert (record.kind, record.source, record.synthetic) == ("live", "a program", True)
    wait_for(lambda: record_of(stack, "posted").state == "ended", "the run has ended")  # type: ignore[union-attr]
    verdict = stack.verify("posted")
    assert verdict["outcomes"]["measurements"]["counts"]["rows lost"] == 0
    bad = httpx.post(url, params={"synthetic": "perhaps"}, content=lines[0], headers=WITH_IT)
    assert bad.status_code == 400
    assert "perhaps" in bad.json()["error"]


def test_rubbish_among_the_records_is_passed_over(stack: Stack) -> None:
    assert stack.command("replay", "--run", "clean", *SPAN).returncode == 0

    async def throw() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, max_request_size=2 << 20)
        await producer.start()
        pieces = [
            (None, b"{}"),
            (b"\xff", None),
            (b"clean", b"\xff"),
            (b"clean", b"[" * 100_000),
            (b"clean", b'{"run": "clean", "source": "' + b"x" * 1_900_000 + b'"}'),
            (b"clean", b'{"run": "clean", "sent": {"TenneT": {"rows": -1}}}'),
            (b"clean", b"17"),
            (b"nobody", None),
        ]
        for key, value in pieces:
            await producer.send_and_wait(RUNS, value, key=key)
        await producer.stop()

    asyncio.run(throw())
    assert stack.command("replay", "--run", "after", *SPAN).returncode == 0
    wait_for(lambda: shown(stack, "after"), "the worker reads on")
    assert shown(stack, "clean")["state"] == "ended"  # type: ignore[index]
    assert stack.verify("clean")["record"]["state"] == "ended"
    assert all(worker.service.alive for worker in stack.workers)
