"""The command, a real (embedded) broker, and the dead letters there."""

import asyncio
import json
from collections.abc import Iterator

import msgspec
import pytest

from bench.harness.brokers import embedded_broker
from gridstress.kafka.topic_reader import read_topic
from gridstress.verify.compare_dead_letters import RowsDeadLetter
from gridstress.verify.recompute import recompute
from tests.gridstress.verify.broker import commands, create, of_run, send
from tests.gridstress.verify.samples import GRID, SETTINGS, echo, evening, frame

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with embedded_broker() as running:
        asyncio.run(create(running.bootstrap))
        yield running.bootstrap


@pytest.fixture
def command(broker, monkeypatch):
    return commands(broker, monkeypatch)


def dead_letters_about(broker: str, run: str, *, leave_out: bytes | None = None) -> list[tuple]:
    """A dead letter for every record of the topic that is of no zone, or of no run."""
    reasons = {b"West": b"unknown-zone", b"rubbish": b"invalid"}
    dead_letters = []
    for record in asyncio.run(read_topic(broker, "grid_measurements")):
        for mark, reason in reasons.items():
            if mark in record.value and (mark != b"West" or run.encode() in record.value):
                headers = [("topic", b"grid_measurements"), ("stage", b"detection")]
                headers += [("partition", b"%d" % record.partition), ("reason", reason)]
                headers += [("offset", b"%d" % record.offset)]
                if mark != leave_out:
                    dead_letters.append(("dead_letters", 0, record.value, *headers))
    return dead_letters


def test_dead_letters_of_before_a_reshard_are_left_out(command, broker):
    """Rows that had become dead letters are counted when the run is recomputed."""
    frames = [msgspec.structs.replace(f, run="anew") for f in evening()]
    expected = recompute(frames, GRID, SETTINGS)
    observed = echo(expected)
    observed.skipped_rows = [RowsDeadLetter("linear", 0, "North", "late", (3,))]
    former = [("dead_letters", 1, *rest) for t, _, *rest in of_run(frames, expected, observed)
              if t == "dead_letters"]  # fmt: skip
    failed = [("topic", b"propagated_stress_linear"), ("reason", b"failed"), ("stage", b"risk")]
    failed += [("partition", b"0"), ("offset", b"3")]
    former.append(("dead_letters", 1, former[0][2], *failed))
    observed.skipped_rows = []
    send(broker, [*of_run(frames, expected, observed), *former])
    args = ("verify", "--run", "anew", "--no-open", "--api", "http://127.0.0.1:1", "--json")
    before = command(*args)
    assert before.exit_code == 1
    send(broker, [("dead_letters", 1, b"", ("stage", b"reshard"), ("reason", b"resharded"))])
    after = command(*args)
    assert after.exit_code == 0, after.output
    notes = json.loads(after.stdout)["outcomes"]["measurements"]["notes"]
    assert "dead letters of before `gridstress reshard` are left out" in notes
    send(broker, former)
    assert command(*args).exit_code == 1


def with_refused(broker: str, run: str):
    """Send a run with a frame of an unknown zone, and rubbish that names no run."""
    frames = [*evening(), frame("West", 0, [0], [[1.0]], nodes=["a"])]
    frames = [msgspec.structs.replace(f, run=run) for f in frames]
    expected = recompute(frames, GRID, SETTINGS)
    send(broker, [*of_run(frames, expected, echo(expected)), ("grid_measurements", 1, b"rubbish")])


def test_every_refused_record_must_have_its_letter(command, broker):
    with_refused(broker, "refused")
    args = ("verify", "--run", "refused", "--no-open", "--api", "http://127.0.0.1:1", "--json")
    lacking = command(*args)
    problems = json.loads(lacking.stdout)["outcomes"]["measurements"]["problems"]
    assert lacking.exit_code == 1
    assert len(problems) == 2
    assert all("cannot be used, but has no dead letter" in text for text in problems)

    send(broker, dead_letters_about(broker, "refused", leave_out=b"rubbish"))
    (problem,) = json.loads(command(*args).stdout)["outcomes"]["measurements"]["problems"]
    assert "not JSON" in problem

    dead_letters = dead_letters_about(broker, "refused")
    send(broker, dead_letters)
    whole = command(*args)
    assert whole.exit_code == 0, whole.output
    counts = json.loads(whole.stdout)["outcomes"]["measurements"]["counts"]
    assert (counts["dead letters found"], counts["records of no run"]) == (2, 1)

    good = next(
        (record.partition, record.offset, record.value)
        for record in asyncio.run(read_topic(broker, "grid_measurements"))
        if b"refused" in record.value
    )
    headers = [("partition", b"%d" % good[0]), ("offset", b"%d" % good[1])]
    headers += [("topic", b"grid_measurements"), ("stage", b"detection"), ("reason", b"failed")]
    send(broker, [("dead_letters", 0, good[2], *headers)])
    extra = command(*args)
    assert extra.exit_code == 1
    (problem,) = json.loads(extra.stdout)["outcomes"]["measurements"]["problems"]
    assert "can be used, but its dead letter says failed" in problem
