"""Records of every kind on every topic of ours: a worker stays well, and what counts is counted."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from bench.harness.brokers import apache_broker
from gridstress.faust_fixes.headers import known_headers
from gridstress.kafka.topics import (
    DEAD_LETTERS,
    MEASUREMENTS,
    RUNS,
    STATUS,
    STRESS,
    VIEW,
    alerts,
    changelog,
    propagated,
    windows,
    zone_partition,
)  # fmt: skip
from tests.integration.harness import Stack, Worker, records, wait_for
from tests.support.odd_records import CODECS, odd, send, send_header_key
from topology.loaders import load_grid

pytestmark = pytest.mark.integration

DAY = ["--start", "2025-01-07", "--until", "2025-01-08", "--speed", "max"]
GROUP, MODELS = "gridstress", ("linear", "centrality")
SOURCES = (MEASUREMENTS, STRESS, *map(propagated, MODELS))
TOPICS = (
    *SOURCES, *map(windows, MODELS), *map(alerts, MODELS), VIEW, STATUS, RUNS, DEAD_LETTERS,
    *(changelog(GROUP, model) for model in MODELS),
)  # fmt: skip


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        yield running


def frames(stack: Stack, run: str) -> list[tuple[int, bytes]]:
    """A day as frames of one row, with the partition each belongs into."""
    path = stack.directory / f"{run}.jsonl"
    done = stack.command("replay", "--run", run, *DAY, "--output", str(path))
    assert done.returncode == 0, done.stderr
    zones = load_grid("germany").zones
    found = []
    for frame in map(json.loads, path.read_bytes().splitlines()):
        for i, moment in enumerate(frame["timestamps"]):
            row = {
                "seq": frame["seq"] + i,
                "timestamps": [moment],
                "load_mw": [frame["load_mw"][i]],
            }
            value = json.dumps({**frame, **row}).encode()
            found.append((zone_partition(frame["zone"], zones, 4), value))
    return found


@pytest.mark.parametrize("codec", CODECS)
async def test_measurements_of_every_codec_are_counted(
    stack: Stack, broker: str, codec: str
) -> None:
    found = [{"value": v, "partition": p, "key": b"k"} for p, v in frames(stack, codec)]
    assert await send(broker, MEASUREMENTS, found, codec) == len(found)
    verdict = stack.verify(codec)
    assert verdict["ok"]
    assert stack.workers[0].get("health")["status"] == "ok"


def well(stack: Stack) -> bool:
    """Whether the first worker is there, finishes what comes, and answers."""
    worker = stack.workers[0]
    return worker.get("health")["status"] == "ok" and not any(worker.status()["lag"].values())


async def test_odd_records_on_every_topic_of_ours_stop_nothing(stack: Stack, broker: str) -> None:
    started = stack.workers[0].service.pid
    before = {(r.partition, r.offset) for r in await records(broker, DEAD_LETTERS)}
    taken = {topic: await send(broker, topic, odd()) for topic in TOPICS}
    for topic in TOPICS:
        await send_header_key(broker, topic)
        taken[topic] += 1
    wait_for(lambda: well(stack), "the worker has finished all of it and is ok")
    replay = stack.command("replay", "--run", "after", *DAY)
    assert replay.returncode == 0, replay.stderr
    verdict = stack.verify("after")
    assert verdict["ok"]
    wait_for(lambda: well(stack), "the worker has finished the rest, too")
    assert stack.workers[0].service.pid == started

    dead_letters = await records(broker, DEAD_LETTERS)
    found = [
        dead_letter
        for dead_letter in dead_letters
        if (dead_letter.partition, dead_letter.offset) not in before
    ]
    ours = [known_headers(dead_letter.headers) for dead_letter in found]
    places = {
        (one["topic"].decode(), one["partition"], one["offset"])
        for one in ours
        if {"stage", "topic", "partition", "offset"} <= one.keys()
    }
    for topic in SOURCES:  # each of them is a dead letter; nothing else is
        assert len([1 for name, *_ in places if name == topic]) == taken[topic], topic
    assert not any(one.get("reason") == b"failed" for one in ours)
    listed = stack.command("dead-letters", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert len(listed.stdout.splitlines()) == len(dead_letters)

    stack.workers[0].kill()
    stack.workers[0].restart()
    wait_for(lambda: well(stack), "the worker is ok after it has read the changelogs again")
    assert stack.verify("after")["ok"]


async def test_a_record_that_is_too_large_for_a_dead_letter_costs_no_other(
    stack: Stack, broker: str
) -> None:
    good = [{"value": v, "partition": p, "key": b"k"} for p, v in frames(stack, "large")]
    rubbish: dict[str, Any] = {"key": b"k", "partition": 0, "value": b"x" * 2_200_000}
    found = [*good[:9], rubbish, *good[9:]]
    assert await send(broker, MEASUREMENTS, found, "gzip") == len(found)
    assert stack.verify("large")["ok"]
    assert stack.workers[0].get("health")["status"] == "ok"
    dead_letters = stack.command("dead-letters", "list", "--json", "--topic", MEASUREMENTS)
    reported = [json.loads(line) for line in dead_letters.stdout.splitlines()]
    (one,) = [dead_letter for dead_letter in reported if dead_letter["truncated_from"]]
    assert (one["truncated_from"], one["reason"]) == (2_200_000, "invalid")
    again = stack.command("dead-letters", "replay", one["id"])
    assert f"{one['id']}: is truncated" in again.stderr
    assert "sent 0 records" in again.stdout


# --- what cannot be read, on a broker that can delete and keeps its log in files


async def sent_by_hand(stack: Stack, run: str) -> list[dict[str, Any]]:
    found = [{"value": v, "partition": p, "key": b"k"} for p, v in frames(stack, run)]
    assert await send(stack.bootstrap, MEASUREMENTS, found) == len(found)
    return found


async def delete_before(bootstrap: str, topic: str, partition: int, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        tp = TopicPartition(topic, partition)
        await admin.delete_records({tp: RecordsToDelete(offset)})
    finally:
        await admin.close()


async def committed(bootstrap: str, offset: int) -> None:
    """Wait until the group has committed this offset of the first partition, or a later one."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(30):
            tp = TopicPartition(MEASUREMENTS, 0)
            found = await admin.list_consumer_group_offsets(GROUP)
            while tp not in found or found[tp].offset < offset:
                await asyncio.sleep(0.2)
                found = await admin.list_consumer_group_offsets(GROUP)
    finally:
        await admin.close()


def logged(worker: Worker) -> str:
    return Path(worker.service.log).read_text("utf-8")


def finished(worker: Worker, topic: str) -> bool:
    return worker.get("health")["status"] == "ok" and worker.status()["lag"][topic] == 0


@pytest.mark.kafka
async def test_what_was_deleted_before_it_was_read_is_said_and_named(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    with (
        apache_broker(directory=tmp_path / "kafka") as broker,
        Stack(broker.bootstrap, tmp_path) as stack,
    ):
        worker = stack.add_worker()
        await sent_by_hand(stack, "read")
        assert stack.verify("read")["ok"]
        begin = len([r for r in await records(broker.bootstrap, MEASUREMENTS) if not r.partition])
        await committed(broker.bootstrap, begin)
        worker.kill()
        await sent_by_hand(stack, "lost")
        await delete_before(broker.bootstrap, MEASUREMENTS, 0, begin + 5)
        worker.restart()
        (lost,) = wait_for(lambda: worker.get("health")["lost_records"], "the loss is said")
        assert lost == {"topic": MEASUREMENTS, "partition": 0, "first": begin, "upto": begin + 5}
        wait_for(lambda: finished(worker, MEASUREMENTS), "the rest is read")
        done = stack.command("verify", "--run", "lost", "--api", worker.url)
        named = f"{MEASUREMENTS} 0/{begin} to before {begin + 5}: a dead letter says lost"
        assert named in done.stdout, done.stdout + done.stderr
        listed = stack.command("dead-letters", "list", "--reason", "lost", "--json")
        (dead_letter,) = map(json.loads, listed.stdout.splitlines())
        assert (dead_letter["offset"], dead_letter["upto"]) == (begin, begin + 5)
        again = stack.command("dead-letters", "replay", dead_letter["id"])
        assert "is lost" in again.stderr
        await committed(broker.bootstrap, begin + 6)
        worker.kill()
        worker.restart()
        assert worker.get("health")["lost_records"] == [], "it is said once"


def damage(log: Path, value: bytes) -> None:
    """Flip a bit of a value in a log file, as a disk may."""
    data = bytearray(log.read_bytes())
    data[data.index(value) + len(value) // 2] ^= 1
    log.write_bytes(data)


@pytest.mark.kafka
async def test_a_damaged_batch_stops_a_worker_until_an_operator_passes_it_over(
    tmp_path: Path,
) -> None:
    (tmp_path / "kafka").mkdir()
    with (
        apache_broker(directory=tmp_path / "kafka") as broker,
        Stack(broker.bootstrap, tmp_path) as stack,
    ):
        worker = stack.add_worker()
        worker.kill()
        found = await sent_by_hand(stack, "damaged")
        values = [one["value"] for one in found if one["partition"] == 0]
        (log,) = (tmp_path / "kafka").glob(f"**/{MEASUREMENTS}-0/*.log")
        damage(log, values[3])
        place = f"{MEASUREMENTS}/0@3"
        command = f"gridstress dead-letters skip {MEASUREMENTS} 0 3"
        worker.start()
        wait_for(lambda: not worker.service.alive, "the worker ends")
        line = logged(worker)
        assert f"{place}: a batch cannot be decoded: ValueError: the checksum is wrong" in line
        assert command in line

        wrong = stack.command("dead-letters", "skip", MEASUREMENTS, "0", "2")
        assert (wrong.returncode, "can be read" in wrong.stderr) == (2, True)
        done = stack.command(*command.split()[1:])
        assert done.returncode == 0, done.stderr
        worker.restart()
        wait_for(lambda: finished(worker, MEASUREMENTS), "the rest is read")
        listed = stack.command("dead-letters", "list", "--reason", "undecodable", "--json")
        (dead_letter,) = map(json.loads, listed.stdout.splitlines())
        assert (dead_letter["offset"], dead_letter["upto"], dead_letter["stage"]) == (
            3,
            4,
            "operator",
        )
        verified = stack.command("verify", "--run", "damaged", "--api", worker.url)
        assert f"{MEASUREMENTS} 0/3 to before 4: a dead letter says undecodable" in verified.stdout
