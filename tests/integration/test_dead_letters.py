"""Dead letters listed, shown and sent back, by the command, on a real broker."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gridstress.kafka.topics import DEAD_LETTERS, MEASUREMENTS
from gridstress.local import processes
from tests.integration.harness import Stack, Worker, records, send, wait_for
from tests.support.frames import ended, measured
from topology.codec import encode

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

HOURS = 48
ZONES = ("north", "south")


def topology(path: Path, *, right: bool) -> None:
    """Node ``b`` lies in the north; the wrong topology has it in the south."""
    places = {"a": ("north", 0.5 if right else 1), "b": ("north" if right else "south", 0.5),
              "c": ("south", 1 if right else 0.5)}  # fmt: skip
    nodes = [
        {"id": i, "name": i, "lat": 50.0, "lon": 9.0, "zone": zone, "share": share,
         "rating_mw": 100, "sensitivity": 0.8}
        for i, (zone, share) in places.items()
    ]  # fmt: skip
    lines = [
        {"source": a, "target": b, "length_km": 10, "voltage_kv": 380, "coupling": 0.8}
        for a, b in ("ab", "bc")
    ]
    shares = dict.fromkeys(ZONES, 0.5)
    path.write_text(
        json.dumps({"name": "small", "zone_shares": shares, "nodes": nodes, "lines": lines})
    )


def dead_letters(stack: Stack, *filters: str) -> list[dict[str, Any]]:
    done = stack.command("dead-letters", "list", "--json", *filters)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def logged(worker: Worker) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(worker.service.log).read_text("utf-8").splitlines()]


async def test_dead_letters_of_a_wrong_topology_count_after_it_was_put_right(
    broker: str, tmp_path: Path
) -> None:
    grid = tmp_path / "grid.json"
    topology(grid, right=False)
    environment = {"GRIDSTRESS_TOPOLOGY": str(grid), "GRIDSTRESS_PARTITIONS": "2"}
    with Stack(broker, tmp_path, environment) as stack:
        worker = stack.add_worker()
        north = [measured("north", [h], {"a": [95.0 + h % 7], "b": [90.0]}) for h in range(HOURS)]
        south = [measured("south", [h], {"c": [80.0 + h % 30]}) for h in range(HOURS)]
        await send(broker, MEASUREMENTS, ((0, encode(frame)) for frame in north))
        await send(broker, MEASUREMENTS, ((1, encode(frame)) for frame in south))
        wait_for(lambda: len(dead_letters(stack)) == HOURS, "the north is refused", 90)
        assert {x["reason"] for x in dead_letters(stack)} == {"unknown-node"}
        assert (
            dead_letters(stack, "--reason", "late") == dead_letters(stack, "--run", "other") == []
        )
        assert len(dead_letters(stack, "--topic", MEASUREMENTS, "--since", "2020-01-01")) == HOURS

        reported = [one for one in logged(worker) if one.get("reason") == "unknown-node"]
        assert [(one["topic"], one["partition"], one["offset"]) for one in reported] == [
            (MEASUREMENTS, 0, h) for h in range(HOURS)
        ]

        first = dead_letters(stack)[0]
        shown = stack.command("dead-letters", "show", first["id"])
        assert "node 'b' lies in zone 'south', not 'north'" in shown.stdout
        assert '"zone": "north"' in shown.stdout

        processes.stop(worker.service)
        topology(grid, right=True)
        accepted = stack.command("settings", "accept", "--yes")
        assert "changes: node 'b' has zone north, 100.0 MW" in accepted.stderr
        worker.restart()
        again = ("dead-letters", "replay", "--run", "r", "--as-run", "again")
        dry = stack.command(*again, "--dry-run")
        assert f"would send {HOURS} records to grid_measurements" in dry.stdout
        assert len(await records(broker, MEASUREMENTS)) == 2 * HOURS
        done = stack.command(*again)
        assert done.returncode == 0, done.stderr
        assert f"sent {HOURS} records to grid_measurements" in done.stdout
        in_north = [r for r in await records(broker, MEASUREMENTS) if r.partition == 0]
        anew = [msgspec.structs.replace(frame, run="again") for frame in (*north, *south)]
        assert [r.value for r in in_north[HOURS:]] == [encode(frame) for frame in anew[:HOURS]]

        finals = [ended(zone, HOURS, run="again") for zone in ZONES]
        await send(broker, MEASUREMENTS, ((1, encode(frame)) for frame in anew[HOURS:]))
        await send(broker, MEASUREMENTS, ((n, encode(f)) for n, f in enumerate(finals)))
        verdict = stack.verify("again")
        assert verdict["ok"]
        assert len(await records(broker, DEAD_LETTERS)) == HOURS
        assert json.loads((tmp_path / "again.episodes.json").read_text())

        renamed = stack.command("dead-letters", "replay", "--as-run", "third", first["id"])
        assert "sent 1 records" in renamed.stdout
        last = [r for r in await records(broker, MEASUREMENTS) if r.partition == 0][-1]
        assert msgspec.json.decode(last.value)["run"] == "third"

        # However narrow the terminal, nothing is cut.
        lines = stack.command("dead-letters", "list").stdout.splitlines()
        assert lines[0].split() == ["id", "at", "topic", "stage", "reason", "detail"]
        assert lines[1].split()[:3] == [first["id"], first["at"], MEASUREMENTS]

        nowhere = stack.command("dead-letters", "show", "0:999")
        assert (nowhere.returncode, "hint:" in nowhere.stderr) == (4, True)
        assert stack.command("dead-letters", "show", "zero").returncode == 2
        assert stack.command("dead-letters", "list", "--since", "then").returncode == 2
