"""Late rows: nothing may vanish without a word, so each must be in ``dead_letters``."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Recomputed


@dataclass(frozen=True)
class LateLetter:
    """Rows of one zone that one shard of one model set aside as late."""

    model: str
    shard: int
    zone: str
    rows: tuple[int, ...]


def compare_late(
    expected: Recomputed, model: str, letters: Iterable[LateLetter], outcome: Outcome
) -> None:
    """Every late row must be there once or more for every shard of the model, and no other."""
    found: dict[tuple[int, str], set[int]] = defaultdict(set)
    for letter in letters:
        found[letter.shard, letter.zone].update(letter.rows)
    for name, zone in expected.intake.zones.items():
        due = set(zone.late_seqs)
        for shard in range(expected.settings.partitions):
            there = found.pop((shard, name), set())
            where = f"{model}: zone {name}, shard {shard}"
            outcome.counts["late rows expected"] += len(due)
            outcome.counts["late rows found"] += len(due & there)
            if due - there:
                outcome.problem(
                    "late rows missing",
                    f"{where}: late rows {_some(due - there)} are not in dead_letters",
                )
            if there - due:
                outcome.problem(
                    "late rows extra",
                    f"{where}: rows {_some(there - due)} were set aside as late but are not; was "
                    "there an idle time-out, which cannot be recomputed?",
                )
    for shard, name in found:
        outcome.problem("late rows extra", f"{model}: late rows of zone {name!r}, shard {shard}")


def _some(rows: set[int]) -> str:
    first = sorted(rows)
    return ", ".join(map(str, first[:5])) + (f" and {len(first) - 5} more" if first[5:] else "")
