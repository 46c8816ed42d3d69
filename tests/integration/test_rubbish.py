"""Rubbish on every input topic: each piece ends in dead_letters, and nothing good is lost."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from gridstress.kafka.topic_reader import scan_topic
from gridstress.kafka.topics import DEAD_LETTERS, MEASUREMENTS, STRESS, propagated
from tests.integration.harness import Stack, send

pytestmark = [pytest.mark.integration, pytest.mark.kafka_too]

PIECES = 315
BIG = 5
"""How many of them hold a string of a megabyte."""

MOMENT = "2025-01-08T00:00:00Z"
VALUES = {MEASUREMENTS: "load_mw", STRESS: "stress"}


def good(topic: str) -> dict[str, Any]:
    """A frame without fault, of a run of its own."""
    frame: dict[str, Any] = {"run": "rubbish", "zone": "Amprion", "seq": 0, "timestamps": [MOMENT]}
    nodes = {"nodes": ["kruckel", "uentrop"]}
    if topic in VALUES:
        return {**frame, **nodes, VALUES[topic]: [[1.0, 2.0]]}
    return {
        **frame, "shard": 0, "nodes": [], "stress": [[]],
        "sources": ["kruckel", "uentrop"], "source_stress": [[1.0, 2.0]],
    }  # fmt: skip


def changed(**fields: Any) -> Callable[[str], bytes]:
    def piece(topic: str) -> bytes:
        return json.dumps({**good(topic), **fields}).encode()

    return piece


def without(field: str) -> Callable[[str], bytes]:
    def piece(topic: str) -> bytes:
        frame = good(topic)
        del frame[field]
        return json.dumps(frame).encode()

    return piece


def values_as(rows: str) -> Callable[[str], bytes]:
    """The frame with these rows of values, which may not be JSON at all."""

    def piece(topic: str) -> bytes:
        field = VALUES.get(topic, "source_stress")
        frame = json.dumps({**good(topic), field: "ROWS"})
        return frame.replace('"ROWS"', rows).encode()

    return piece


KINDS: dict[str, tuple[str, Callable[[str], bytes | None]]] = {
    "no value": ("invalid", lambda _: None),
    "empty": ("invalid", lambda _: b""),
    "not JSON": ("invalid", lambda _: b"load: 12"),
    "not text": ("invalid", lambda _: b"\xff\xfe\x00\x01"),
    "cut off": ("invalid", lambda topic: json.dumps(good(topic)).encode()[:-9]),
    "a list": ("invalid", lambda _: b"[1, 2, 3]"),
    "deep": ("invalid", lambda _: b"[" * 50_000),
    "a schema, deep": ("invalid", lambda _: b'{"schema":' + b"[" * 1000 + b"]" * 1000 + b"}"),
    "without run": ("invalid", without("run")),
    "without seq": ("invalid", without("seq")),
    "without times": ("invalid", without("timestamps")),
    "without nodes": ("invalid", without("nodes")),
    "no times": ("invalid", changed(timestamps=[])),
    "a bad time": ("invalid", changed(timestamps=["yesterday"])),
    "a time of nowhere": ("invalid", changed(timestamps=["2025-01-08T00:00:00"])),
    "more times than rows": ("invalid", changed(timestamps=[MOMENT, MOMENT])),
    "unequal rows": ("invalid", values_as("[[1.0]]")),
    "ragged": ("invalid", values_as("[[1.0, 2.0, 3.0]]")),
    "NaN": ("invalid", values_as("[[NaN, 1.0]]")),
    "infinite": ("invalid", values_as("[[1e999, 1.0]]")),
    "null": ("invalid", values_as("[[null, 1.0]]")),
    "text for numbers": ("invalid", values_as('[["1.0", 1.0]]')),
    "too large a number": ("invalid", values_as("[[1e300, 1.0]]")),
    "negative seq": ("invalid", changed(seq=-1)),
    "a fraction as seq": ("invalid", changed(seq=1.5)),
    "seq beyond counting": ("invalid", changed(seq=2**60)),
    "a number as zone": ("invalid", changed(zone=7)),
    "a time before time": ("invalid", changed(timestamps=["0001-01-01T00:00:00+23:59"])),
    "an unknown field, deep": ("invalid", changed(x=None)),
    "a node twice": ("invalid", changed(nodes=["kruckel", "kruckel"])),
    "unknown zone": ("unknown-zone", changed(zone="Atlantis")),
    "unknown node": ("unknown-node", changed(nodes=["kruckel", "atlantis"])),
    "big": ("invalid", changed(run="x" * 1_000_000)),
}  # fmt: skip


def rubbish(topic: str) -> list[tuple[bytes | None, str]]:
    """Pieces of every kind with the reason each must be given."""
    small = [kind for kind in KINDS if kind != "big"]
    names = [small[i % len(small)] for i in range(PIECES - BIG)] + ["big"] * BIG
    pieces = []
    for name in names:
        reason, make = KINDS[name]
        value = make(topic)
        if topic not in VALUES and name == "unknown node":
            value = json.dumps({**good(topic), "sources": ["kruckel", "atlantis"]}).encode()
        if name == "an unknown field, deep":
            value = value.replace(b"null", b"[" * 100_000 + b"]" * 100_000)
        if topic not in VALUES and name == "a node twice":
            value = json.dumps({**good(topic), "sources": ["kruckel", "kruckel"]}).encode()
        pieces.append((value, reason))
    return pieces


def digest(value: bytes | None) -> bytes | None:
    """What stands for a value where keeping it takes too much memory."""
    return None if value is None else sha256(value).digest()


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        yield running


async def test_rubbish_becomes_a_dead_letter_and_the_good_between_is_counted(
    stack: Stack, broker: str
) -> None:
    topics = [MEASUREMENTS, STRESS, propagated("linear"), propagated("centrality")]
    span = ("--start", "2025-01-06", "--until", "2025-01-20", "--speed", "max")
    replay = stack.start("replay", "--run", "good", *span)
    expected: dict[str, Counter[str]] = {}
    for topic in topics:
        pieces = rubbish(topic)
        expected[topic] = Counter(reason for _, reason in pieces)
        await send(broker, topic, ((0, value) for value, _ in pieces))
    faults = {"unknown-zone": {"zone": "Atlantis"}, "invalid": {"seq": -1}}
    for reason, fault in faults.items():
        expected[MEASUREMENTS][reason] += 1
        piece = {**good(MEASUREMENTS), "run": "good", **fault}
        await send(broker, MEASUREMENTS, [(0, json.dumps(piece).encode())])
    done = stack.command("replay", "--run", "after", *span)
    assert done.returncode == 0, done.stderr
    for run, own in (("good", len(faults)), ("after", 0)):
        counts = stack.verify(run)["outcomes"]["measurements"]["counts"]
        assert counts["dead letters found"] == counts["dead letters expected"]
        assert counts["dead letters found"] == own + counts["records of no run"]
        assert counts["records of no run"] > BIG
    assert not replay.alive

    found: dict[str, Counter[str]] = {topic: Counter() for topic in topics}
    originals = {
        (topic, r.partition, r.offset): digest(r.value)
        for topic in topics
        async for r in scan_topic(broker, topic)
    }
    seen = set()
    async for dead_letter in scan_topic(broker, DEAD_LETTERS):
        headers = {name: value.decode() for name, value in dead_letter.headers}
        origin = headers["topic"], int(headers["partition"]), int(headers["offset"])
        assert digest(dead_letter.value) == originals[origin]
        assert dead_letter.key == headers["topic"].encode()
        assert headers["detail"]
        assert headers["at"]
        if origin not in seen:  # both models' propagation reads stress_events
            found[headers["topic"]][headers["reason"]] += 1
        seen.add(origin)
    assert found == expected
    assert stack.workers[0].get("health")["status"] == "ok"
