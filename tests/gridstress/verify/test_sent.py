"""What was sent and did not arrive is found by the run's record."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from gridstress.run_records.record import Origin, Sender, with_frame
from gridstress.verify.compare_sent import arrived, compare_sent, origin_of
from gridstress.verify.measured import Measured, Measurements, Place
from gridstress.verify.outcome import Outcome
from tests.gridstress.verify.samples import GRID, SETTINGS, evening
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord, ZoneSent

SENDER = Sender(Origin("replay", "load.csv", synthetic=False), SETTINGS, GRID)


def one_a_row(frames: list[MeasurementFrame]) -> Iterator[MeasurementFrame]:
    """The frames, cut into frames of one row."""
    for frame in frames:
        for i, (moment, loads) in enumerate(zip(frame.timestamps, frame.load_mw, strict=True)):
            yield replace(frame, seq=frame.seq + i, timestamps=[moment], load_mw=[loads])


FRAMES = list(one_a_row(evening()))


def record_of(frames: list[MeasurementFrame]) -> RunRecord:
    record = SENDER.record("r1")
    for frame in frames:
        record = with_frame(record, frame)
    return record


def found(
    record: RunRecord | None, frames: list[MeasurementFrame], held: dict[int, int] | None = None
) -> Outcome:
    """What is found with North in partition 0 and South in 1."""
    places = [Place(int(frame.zone == "South"), offset) for offset, frame in enumerate(frames)]
    records = [Measured(place, -1, "", frame) for place, frame in zip(places, frames, strict=True)]
    outcome = Outcome()
    compare_sent(Measurements("r1", records, record=record, held=held or {}), outcome)
    return outcome


def test_what_arrived_is_counted_once_in_any_order() -> None:
    north = [f for f in FRAMES if f.zone == "North" and not f.final]
    rows = sum(len(f.timestamps) for f in north)
    last = max(f.last_seq for f in north)
    assert arrived([*north[::-1], *north])["North"] == ZoneSent(rows, last)


def test_a_run_of_which_everything_arrived_is_fine() -> None:
    record = record_of(FRAMES)
    assert record.state == "ended"
    outcome = found(record, FRAMES)
    assert (outcome.problems, outcome.notes, outcome.counts["rows lost"]) == ([], [], 0)
    assert outcome.counts["rows sent"] == sum(len(f.timestamps) for f in FRAMES if not f.final)


LOST: list[tuple[str, Callable[[MeasurementFrame], Any]]] = [
    ("a row in between", lambda f: f.zone == "North" and f.seq == 1),
    ("the last row", lambda f: f.zone == "South" and f.seq == 5),
    ("the end", lambda f: f.zone == "South" and f.final),
    ("a zone", lambda f: f.zone == "North"),
]


@pytest.mark.parametrize(("what", "lost"), LOST, ids=[what for what, _ in LOST])
def test_what_was_lost_before_the_topic_is_a_problem_once_the_run_has_ended(
    what: str, lost: Callable[[MeasurementFrame], Any]
) -> None:
    record = record_of(FRAMES)
    left = [f for f in FRAMES if not lost(f)]
    gone = [f for f in FRAMES if lost(f)]
    assert gone
    outcome = found(record, left)
    (text,) = outcome.problems
    assert text.startswith(f"zone {gone[0].zone}: ")
    assert outcome.counts["rows lost"] == sum(len(f.timestamps) for f in gone if not f.final)


def test_while_the_run_goes_on_it_is_a_note() -> None:
    going = record_of([f for f in FRAMES if not f.final])
    outcome = found(going, [f for f in FRAMES if f.zone == "South"])
    assert outcome.ok
    (note,) = outcome.notes
    assert note.startswith("zone North: ")
    assert "has not ended" in note


HELD = "a transaction that is open holds back records of grid_measurements, partition 1 from offset"


@pytest.mark.parametrize(("what", "lost"), LOST, ids=[what for what, _ in LOST])
def test_what_may_wait_for_an_open_transaction_is_a_note(
    what: str, lost: Callable[[MeasurementFrame], Any]
) -> None:
    left = [f for f in FRAMES if not lost(f)]
    (gone,) = {f.zone for f in FRAMES if lost(f)}
    outcome = found(record_of(FRAMES), left, {1: 7})
    assert any(note.startswith(HELD) for note in outcome.notes)
    # A zone of which nothing is there may be in any partition.
    waits = gone == "South" or what == "a zone"
    assert outcome.ok == waits
    assert any(note.startswith(f"zone {gone}: ") for note in outcome.notes) == waits
    assert bool(outcome.counts["rows lost"]) == (not waits)


def test_a_transaction_behind_which_nothing_is_missing_is_noted() -> None:
    outcome = found(record_of(FRAMES), FRAMES, {1: 7})
    assert outcome.notes == [f"{HELD} 7 on"]
    assert outcome.ok


def test_a_run_without_a_record_is_noted() -> None:
    outcome = found(None, FRAMES)
    assert outcome.ok
    assert "no record" in outcome.notes[0]


def test_rows_of_another_sender_are_noted() -> None:
    record = record_of(FRAMES)
    less = record_of([f for f in FRAMES if f.final or f.seq != 1])
    assert less.state == record.state == "ended"
    outcome = found(less, FRAMES)
    assert outcome.ok
    assert "more rows than the run's record says" in outcome.notes[0]


def test_the_origin_is_put_in_words() -> None:
    record = record_of(FRAMES)
    assert origin_of(record).startswith("replay of load.csv, measured, ended 2")
    going = record_of(FRAMES[:1])
    assert "its sender was killed" in origin_of(going)
