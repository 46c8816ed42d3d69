"""Records that the app refused, and which of their dead letters are missed."""

from dataclasses import replace

import pytest

from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.verify.compare_refused import RecordDeadLetter
from gridstress.verify.measured import Place
from tests.gridstress.verify.samples import record
from tests.gridstress.verify.test_faults import (
    add_dead_letter,
    dead_letter,
    drop_dead_letter,
    frames,
    world,
)
from topology.codec import encode


def test_a_dead_letter_twice_is_fine() -> None:
    found = world()
    found.observed.dead_letters.measurements *= 2
    assert all(outcome.ok for outcome in found.found().values())


def test_a_batch_that_cannot_be_decoded_needs_the_dead_letter_of_an_operator() -> None:
    found = world()
    batch = Undecodable.of(b"?", 6, ValueError("the checksum is wrong"))
    found.measurements.add(replace(record(0, 8, batch), timestamp=-1))
    found.observed.dead_letters.whole_since_ms = 1
    assert "0/8 (ValueError: the checksum is wrong)" in found.found()["measurements"].problems[0]
    skipped = RecordDeadLetter(
        "grid_measurements", Place(0, 6), "operator", "undecodable", "", upto=9
    )
    found.observed.dead_letters.measurements.append(skipped)
    assert found.found()["measurements"].ok


def test_a_refused_record_that_was_sent_again_and_counted_is_fine() -> None:
    """The topology was put right, and `dead-letters replay` sent the record once more."""
    found = world()
    raw = encode(frames()[0])
    found.measurements.add(record(0, 6, raw))
    add_dead_letter(found)
    outcome = found.found()["measurements"]
    assert outcome.ok, outcome.problems
    assert outcome.counts["dead letters sent again"] == 1


def test_a_dead_letter_about_a_record_that_is_gone_is_noted() -> None:
    found = world()
    found.observed.dead_letters.measurements.append(
        dead_letter(1, b"before reshard", "invalid", run="r1")
    )
    outcome = found.found()["measurements"]
    assert outcome.ok
    assert outcome.counts["dead letters without record"] == 1


def test_a_dead_letter_that_the_broker_may_have_deleted_is_not_missed() -> None:
    found = world()
    drop_dead_letter(2)(found)
    found.observed.dead_letters.whole_since_ms = 10**15
    outcome = found.found()["measurements"]
    assert outcome.ok
    assert outcome.counts["dead letters expired"] == 1


def test_neither_is_one_about_a_batch_that_cannot_be_decoded() -> None:
    """Such a batch has no time; it came after the record before it."""
    found = world()
    batch = Undecodable.of(b"?", 6, ValueError("the checksum is wrong"))
    found.measurements.add(replace(record(0, 8, batch), timestamp=-1))
    found.observed.dead_letters.whole_since_ms = 1_000 + 6
    outcome = found.found()["measurements"]
    assert outcome.ok, outcome.problems
    assert any("0/8" in note and "would have been deleted" in note for note in outcome.notes)


@pytest.mark.parametrize(("read_before", "missing"), [(5, 1), (4, 0), (0, 0)])
def test_a_dead_letter_is_not_missed_before_the_workers_have_read_the_record(
    read_before: int, missing: int
) -> None:
    found = world()
    drop_dead_letter(4)(found)
    found.observed.dead_letters.due_before = {0: read_before} if read_before else {}
    counts = found.found()["measurements"].counts
    assert (counts["dead letters missing"], counts["dead letters not due"]) == (
        missing,
        1 - missing,
    )
    assert counts["dead letters expected"] == 3


def test_dead_letters_that_stand_for_offsets_are_noted_with_their_span() -> None:
    found = world()
    lost = RecordDeadLetter("stress_events", Place(1, 10), "intake", "lost", "", upto=20)
    found.observed.dead_letters.measurements.append(lost)
    outcome = found.found()["measurements"]
    assert outcome.ok
    assert any(
        "stress_events 1/10 to before 20: a dead letter says lost" in n for n in outcome.notes
    )
