"""Late rows, clocks years ahead and missing numbers: skipped, counted, shown, and verified."""

import json
from collections.abc import Iterator

import pytest

from gridstress.kafka.topics import DEAD_LETTERS, MEASUREMENTS
from tests.integration.harness import Stack, records, send, wait_for
from tests.support.frames import ended, measured
from topology.codec import encode

pytestmark = pytest.mark.integration

FAR = 80 * 8766.0
"""Hours to the year 2099."""


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        yield running


async def test_one_frame_of_the_year_2099_does_not_expire_the_present(
    stack: Stack, broker: str
) -> None:
    grid = stack.workers[0].get("grid")
    node = {n["zone"]: n["id"] for n in grid["nodes"]}
    hours = list(range(24))
    frames = {
        zone: [measured(zone, hours[:12], {node[zone]: [9000.0] * 12}, run="odd")]
        for zone in grid["zones"]
    }
    odd, *others = sorted(frames)
    frames[odd] += [
        measured(odd, [FAR, FAR + 1], {node[odd]: [1.0, 1.0]}, seq=12, run="odd"),
        ended(odd, FAR + 2, seq=14, run="odd"),
        measured(odd, [12, 3, 13], {node[odd]: [9000.0] * 3}, seq=15, run="odd"),
        measured(odd, hours[14:], {node[odd]: [9000.0] * 10}, seq=20, run="odd"),
        ended(odd, 24, seq=30, run="odd"),
    ]
    for zone in others:
        frames[zone] += [
            measured(zone, hours[12:], {node[zone]: [9000.0] * 12}, run="odd"),
            ended(zone, 24, run="odd"),
        ]
    for number, zone in enumerate(sorted(frames)):
        await send(broker, MEASUREMENTS, ((number, encode(frame)) for frame in frames[zone]))
    verdict = stack.verify("odd")
    counts = verdict["outcomes"]["linear"]["counts"]
    assert verdict["ok"]
    assert (counts["ahead rows found"], counts["late rows found"]) == (3 * 4, 1 * 4)
    counters = stack.workers[0].get("health")["counters"]
    assert (counters["ahead_rows"], counters["late_rows"], counters["gaps"]) == (3, 1, 2)
    dead_letters = [
        dict(dead_letter.headers) for dead_letter in await records(broker, DEAD_LETTERS)
    ]
    assert {dead_letter["reason"] for dead_letter in dead_letters} == {b"late", b"ahead"}
    # A worker tells how it is every two seconds.
    wait_for(
        lambda: (
            [(w["ahead_rows"], w["gaps"]) for w in stack.workers[0].get("system")["workers"]]
            == [(3, 2)]
        ),
        "the worker's status says so",
    )
    listed = stack.command("dead-letters", "list", "--json", "--reason", "ahead")
    rows = [json.loads(line)["rows"] for line in listed.stdout.splitlines()]
    assert set(rows) == {"12,13", "14"}
    left = stack.command("dead-letters", "replay", "--dry-run").stdout
    assert "would send 0 records" in left
