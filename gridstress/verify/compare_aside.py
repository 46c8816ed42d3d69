"""Rows that were not counted: none may vanish without a word, each is in ``dead_letters``."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gridstress.verify.intake import ZoneIntake
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Recomputed

REASONS = ("late", "ahead")


@dataclass(frozen=True)
class AsideLetter:
    """Rows of one zone that one shard of one model set aside; ``reason`` is one of ``REASONS``."""

    model: str
    shard: int
    zone: str
    reason: str
    rows: tuple[int, ...]


def compare_aside(
    expected: Recomputed, model: str, letters: Iterable[AsideLetter], outcome: Outcome
) -> None:
    """Every such row must be there once or more for every shard of the model, and no other."""
    found: dict[tuple[str, int, str], set[int]] = defaultdict(set)
    for letter in letters:
        found[letter.reason, letter.shard, letter.zone].update(letter.rows)
    for reason in REASONS:
        for name, zone in expected.intake.zones.items():
            due = _due(zone, reason)
            for shard in range(expected.settings.partitions):
                there = found.pop((reason, shard, name), set())
                _compare(f"{model}: zone {name}, shard {shard}", reason, due, there, outcome)
    for reason, shard, name in found:
        outcome.problem(
            f"{reason} rows extra", f"{model}: {reason} rows of zone {name!r}, shard {shard}"
        )


def _due(zone: ZoneIntake, reason: str) -> set[int]:
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
            f"{where}: rows {_some(there - due)} were set aside as {reason} but are not"
            + (hint if reason == "late" else ""),
        )


def _some(rows: set[int]) -> str:
    first = sorted(rows)
    return ", ".join(map(str, first[:5])) + (f" and {len(first) - 5} more" if first[5:] else "")
