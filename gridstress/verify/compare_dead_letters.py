"""Compare skipped rows with ``dead_letters``: each skipped row must be reported there."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from gridstress.verify.due import ALL, Due
from gridstress.verify.intake import ZoneIntake
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Recomputed

REASONS = ("late", "ahead")
FORGOTTEN = "forgotten"
"""Rows that came after their shard had dropped the run to make room: they are in no window."""
NOT_DUE = "rows not due"
"""Count of the rows whose dead letter is not there, and need not be yet."""
OF_ROWS = (*REASONS, FORGOTTEN)
"""Reasons of dead letters that are about single rows of a frame."""


@dataclass(frozen=True)
class RowsDeadLetter:
    """Rows of one zone that one shard of one model did not count; ``reason`` is of ``OF_ROWS``."""

    model: str
    shard: int
    zone: str
    reason: str
    rows: tuple[int, ...]


def compare_skipped_rows(
    expected: Recomputed,
    model: str,
    dead_letters: Iterable[RowsDeadLetter],
    outcome: Outcome,
    *,
    ended: bool = False,
    due: Due = ALL,
) -> None:
    """Hold them against the rows to come: each for every shard if it is ``due``, no other.

    None may be forgotten. Of a run that was ``ended`` any may be missing: which rows came before
    the end is in no log.
    """
    found: dict[tuple[str, int, str], set[int]] = defaultdict(set)
    forgotten: dict[tuple[int, str], set[int]] = defaultdict(set)
    for dead_letter in dead_letters:
        if dead_letter.reason == FORGOTTEN:
            forgotten[dead_letter.shard, dead_letter.zone].update(dead_letter.rows)
        else:
            found[dead_letter.reason, dead_letter.shard, dead_letter.zone].update(dead_letter.rows)
    for reason in REASONS:
        for name, zone in expected.intake.zones.items():
            rows = _rows(zone, reason)
            last = -1 if ended else due.rows.get(name, inf)
            for shard in range(expected.settings.partitions):
                there = found.pop((reason, shard, name), set())
                where = f"{model}: zone {name}, shard {shard}"
                wanted = {row for row in rows if row <= last or row in there}
                if not ended and len(wanted) < len(rows):
                    outcome.counts[NOT_DUE] += len(rows) - len(wanted)
                _compare(where, reason, wanted, there, outcome)
    for reason, shard, name in found:
        outcome.problem(
            f"{reason} rows extra", f"{model}: {reason} rows of zone {name!r}, shard {shard}"
        )
    for (shard, name), rows in forgotten.items():
        outcome.problem(
            "rows refused: run forgotten",
            f"{model}: zone {name!r}, shard {shard}: rows {_some(rows)} came after the shard had "
            "forgotten the run, and are in no window",
        )


def _rows(zone: ZoneIntake, reason: str) -> set[int]:
    return set(zone.late_seqs if reason == "late" else zone.ahead_seqs)


def _compare(where: str, reason: str, due: set[int], there: set[int], outcome: Outcome) -> None:
    outcome.counts[f"{reason} rows expected"] += len(due)
    outcome.counts[f"{reason} rows found"] += len(due & there)
    if due - there:
        outcome.problem(
            f"{reason} rows missing",
            f"{where}: {reason} rows {_some(due - there)} are not in dead_letters",
        )
    if there - due:
        hint = "; was there an idle time-out, which cannot be recomputed?"
        outcome.problem(
            f"{reason} rows extra",
            f"{where}: rows {_some(there - due)} were skipped as {reason} but are not"
            + (hint if reason == "late" else ""),
        )


def _some(rows: set[int]) -> str:
    first = sorted(rows)
    return ", ".join(map(str, first[:5])) + (f" and {len(first) - 5} more" if first[5:] else "")
