"""Records that the app refused: each has its dead letter, and no other record has one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gridstress.kafka.topics import MEASUREMENTS
from gridstress.verify.measured import UNDECODABLE, Measured, Measurements, Place
from gridstress.verify.outcome import Outcome
from topology.grid import Grid

STAGE = "detection"
"""Reads ``grid_measurements``."""
OTHER_SETTINGS = "other-settings"
"""Reason of dead letters about records of a run that other settings have ended. Such a record may
have been counted: by a worker that was killed before it had committed it."""
REFUSED = "records refused: run ended"
ELSEWHERE = ("lost", UNDECODABLE)
"""Reasons of dead letters about what cannot be read: there is no record to compare them with."""


@dataclass(frozen=True)
class RecordDeadLetter:
    """A dead letter of ``grid_measurements``, or of another topic about the run.

    ``place`` and ``digest`` are of the record that it is about; ``run`` is None if the record
    names none, or too little of it is left. ``upto`` is the offset behind the last if it
    stands for several.
    """

    topic: str
    place: Place | None
    stage: str
    reason: str
    digest: str
    run: str | None = None
    upto: int | None = None

    def stands_for(self, record: Measured) -> bool:
        """Whether it is about the batch that this record of ``grid_measurements`` ends."""
        return (
            (self.topic, self.reason, record.reason) == (MEASUREMENTS, UNDECODABLE, UNDECODABLE)
            and self.place is not None
            and self.place.partition == record.place.partition
            and self.place.offset <= record.place.offset < (self.upto or 0)
        )

    @property
    def span(self) -> str:
        """The place, or the places, as they are written in reports."""
        more = "" if self.upto is None else f" to before {self.upto}"
        return f"{self.place}{more}"


@dataclass
class RunDeadLetters:
    """The dead letters that may concern a run.

    Attributes
    ----------
    measurements
        Those of ``grid_measurements``, and those of any topic with a reason in ``ELSEWHERE``.
    later
        The run's of other topics, but for the rows in ``RowsDeadLetter``.
    unreadable
        What is wrong with dead letters of late rows that do not say which.
    whole_since_ms
        The topic holds every dead letter that was written after this time; what is older may have
        been deleted by the broker.
    due_before
        Offsets of ``grid_measurements``, by partition, up to which the workers had certainly read
        before the dead letters were; None if they have read everything.
    """

    measurements: list[RecordDeadLetter] = field(default_factory=list)
    later: list[RecordDeadLetter] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    whole_since_ms: int = 0
    due_before: Mapping[int, int] | None = None
    former: bool = False

    def is_due(self, place: Place) -> bool:
        """Whether a refused record of ``grid_measurements`` must have its dead letter by now."""
        return self.due_before is None or place.offset < self.due_before.get(place.partition, 0)


def compare_refused(
    measurements: Measurements,
    grid: Grid,
    dead_letters: RunDeadLetters,
    ended: bool,
    outcome: Outcome,
) -> None:
    """Hold the records of a run, and those that name no run, against the dead letters.

    ``ended`` is whether other settings have ended the run, so that any record may be refused.
    """
    about: dict[tuple[Place, str], list[RecordDeadLetter]] = defaultdict(list)
    for dead_letter in dead_letters.measurements:
        if dead_letter.reason in ELSEWHERE:
            outcome.counts[f"records {dead_letter.reason}"] += 1
            outcome.notes.append(
                f"{dead_letter.topic} {dead_letter.span}: a dead letter says {dead_letter.reason}; "
                "whether records of the run were among them cannot be known"
            )
        elif dead_letter.place is not None:
            about[dead_letter.place, dead_letter.digest].append(dead_letter)
    passed_over = [
        dead_letter
        for dead_letter in dead_letters.measurements
        if dead_letter.reason == UNDECODABLE
    ]
    judged = list(measurements.judged(grid))
    # Where a record that has no dead letter lies last, by partition and digest.
    last = {
        (record.place.partition, record.digest): record.place.offset
        for record in judged
        if (record.place, record.digest) not in about
    }
    for record in (*judged, *measurements.nameless):
        found = about.pop((record.place, record.digest), [])
        if any(dead_letter.stands_for(record) for dead_letter in passed_over):
            continue  # noted above
        if ended and any(dead_letter.reason == OTHER_SETTINGS for dead_letter in found):
            outcome.counts[REFUSED] += 1
        elif record.reason:
            _compare(record, found, dead_letters, outcome)
        elif found:
            partition, offset = record.place
            _accepted(record, found[0], last.get((partition, record.digest), -1) > offset, outcome)
    stray = _stray(about, measurements)
    if stray:
        outcome.counts["dead letters without record"] += stray
        outcome.notes.append(
            f"{stray} dead letters are about records that grid_measurements does not hold there "
            "(any more)"
        )


def _compare(
    record: Measured,
    found: Sequence[RecordDeadLetter],
    dead_letters: RunDeadLetters,
    outcome: Outcome,
) -> None:
    name = f"grid_measurements {record.place} ({record.detail})"
    outcome.counts["dead letters expected"] += 1
    if not found and not dead_letters.is_due(record.place):
        outcome.counts["dead letters not due"] += 1
        outcome.notes.append(f"{name}: no worker has read it yet")
    elif not found and 0 <= record.sent_ms < dead_letters.whole_since_ms:
        outcome.counts["dead letters expired"] += 1
        outcome.notes.append(f"{name}: a dead letter would have been deleted by now")
    elif not found:
        outcome.problem("dead letters missing", f"{name} cannot be used, but has no dead letter")
    elif not any((x.stage, x.reason) == (STAGE, record.reason) for x in found):
        theirs = f"{found[0].reason} by {found[0].stage}"
        outcome.problem(
            "dead letters differing", f"{name}: the dead letter says {theirs}, not {record.reason}"
        )
    else:
        outcome.counts["dead letters found"] += 1


def _accepted(
    record: Measured, dead_letter: RecordDeadLetter, sent_again: bool, outcome: Outcome
) -> None:
    if sent_again:  # `dead-letters replay`: the later copy counts
        outcome.counts["dead letters sent again"] += 1
        return
    outcome.problem(
        "dead letters extra",
        f"grid_measurements {record.place} can be used, but its dead letter says "
        f"{dead_letter.reason} (by {dead_letter.stage}); had the workers another topology?",
    )


def _stray(
    about: dict[tuple[Place, str], list[RecordDeadLetter]], measurements: Measurements
) -> int:
    """How many dead letters that could be the run's are about no record that was read."""
    return sum(
        place.offset < measurements.read.get(place.partition, range(0)).stop
        for (place, _), found in about.items()
        if any(dead_letter.run == measurements.run for dead_letter in found)
    )


def compare_later(dead_letters: RunDeadLetters, ended: bool, outcome: Outcome) -> None:
    """No record of a run may be refused behind ``grid_measurements``: we have written it.

    Unless other settings have ended the run: of it nothing more is counted.
    """
    if dead_letters.former:
        outcome.notes.append("dead letters of before `gridstress reshard` are left out")
    for dead_letter in dead_letters.later:
        if ended and dead_letter.reason == OTHER_SETTINGS:
            outcome.counts[REFUSED] += 1
            continue
        outcome.problem(
            "dead letters unexpected",
            f"{dead_letter.topic} {dead_letter.place}: {dead_letter.stage} refused a record of the "
            f"run as {dead_letter.reason}",
        )
