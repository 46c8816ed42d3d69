"""Frames of somebody else's program are taken or refused as the workers would."""

from dataclasses import replace

import pytest
from msgspec import structs

from gridstress.kafka.topics import MAX_FRAME_BYTES
from gridstress.live.frame_check import read_frame, read_frames
from gridstress.live.http_intake import Post
from gridstress.run_records.ledger import Ledger
from gridstress.run_records.posted import PostedRuns
from gridstress.settings import load_settings
from tests.support.frames import ended, measured, run_record
from tests.support.memory import Topic
from topology.codec import encode
from topology.errors import MessageError, UsageError
from topology.grid import Grid

GOOD = measured("north", [0, 1], {"a": [95.0, 80.0], "b": [90.0, 70.5]})


def test_a_frame_is_read_as_it_was_written(triangle: Grid) -> None:
    assert read_frame(encode(GOOD), triangle) == GOOD
    assert read_frame(encode(ended("south", 2)), triangle).final


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "invalid"),
        (b"{}", "invalid"),
        (encode(measured("west", [0], {"a": [1.0]})), "unknown-zone"),
        (encode(measured("north", [0], {"x": [1.0]})), "unknown-node"),
        (encode(measured("north", [0], {"c": [1.0]})), "unknown-node"),
        (b" " * (MAX_FRAME_BYTES + 1), "too-large"),
    ],
)
def test_what_the_workers_would_refuse_is_refused(triangle: Grid, line: bytes, reason: str) -> None:
    with pytest.raises(MessageError) as refused:
        read_frame(line, triangle)
    assert refused.value.reason == reason


def test_a_frame_that_grows_when_it_is_written_again_is_too_large(triangle: Grid) -> None:
    rows, nodes = 1000, [replace(triangle.nodes[0], id=f"n{i}") for i in range(100)]
    many = Grid("many", tuple(nodes), ())
    frame = measured("north", range(rows), {node.id: [1e6] * rows for node in nodes})
    short = encode(frame).replace(b"1000000.0", b"1e6")
    assert len(short) < MAX_FRAME_BYTES < len(encode(frame))
    with pytest.raises(MessageError, match="at most 1,000,000"):
        read_frame(short, many)


def test_the_line_that_cannot_be_used_is_named_and_blank_ones_are_passed_over(
    triangle: Grid,
) -> None:
    good, bad = encode(GOOD), encode(measured("west", [0], {"a": [1.0]}))
    assert read_frames(b"\n".join([good, b"", good, b" "]), triangle) == [GOOD, GOOD]
    with pytest.raises(MessageError, match="line 3: zone 'west' is not in the topology"):
        read_frames(b"\n".join([good, b"", bad]), triangle)


async def test_nothing_is_taken_for_a_replay_or_a_run_that_other_settings_have_ended(
    triangle: Grid,
) -> None:
    topic = Topic()
    described = PostedRuns(Topic(), load_settings(), triangle, {"r": run_record("r")})
    post = Post(
        *(triangle, 1, topic, lambda: True, lambda: 0),
        ledger=Ledger(described.write),
        describe=described.describe,
        ended_runs={"before"},
    )
    body = b"\n".join(encode(structs.replace(GOOD, run=run)) for run in ("after", "before"))
    with pytest.raises(MessageError, match="run 'before' was ended") as refused:
        await post(body, "http", None)
    assert refused.value.reason == "other-settings"
    body = b"\n".join(encode(structs.replace(GOOD, run=run)) for run in ("after", "r"))
    with pytest.raises(UsageError, match="run 'r' is a replay already"):
        await post(body, "http", None)
    assert topic.sent == described.topic.sent == []  # type: ignore[attr-defined]
    assert (await post(encode(structs.replace(GOOD, run="after")), "http", None)).frames == 1
