"""Print what a verification found."""

from typing import Any

from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

from gridstress.logs import printable
from gridstress.verify.compare_sent import origin_of
from gridstress.verify.outcome import TOLERANCE
from gridstress.verify.run import Verification
from topology.clock import to_iso
from ui.schema.runs import run_record

FIRST = 10
GROUPS = {
    "windows": ("expected", "found", "repeated", "missing", "extra", "conflicting", "malformed"),
    "open windows": ("expected", "found", "missing", "extra", "conflicting", "malformed"),
    "values": ("compared", "differing"),
    "alerts": (
        *("expected", "found", "repeated", "missing", "extra", "conflicting", "differing"),
        *("disordered", "without peak"),
    ),
    "episodes": ("expected", "equal"),
    "late rows": ("expected", "found", "missing", "extra"),
    "ahead rows": ("expected", "found", "missing", "extra"),
}


def to_dict(verification: Verification) -> dict[str, Any]:
    """Lay out the whole result for ``--json``."""
    expected = verification.expected
    watermark_s = expected.watermark_s
    return {
        "ok": verification.ok,
        "run": expected.run,
        "record": to_builtins(run_record(verification.record)),
        "watermark": None if watermark_s is None else to_iso(watermark_s),
        "tolerance": TOLERANCE,
        "open_windows_compared": verification.open_checked,
        "outcomes": {name: outcome.to_dict() for name, outcome in verification.outcomes.items()},
    }


def show(verification: Verification, console: Console) -> None:
    """Print a table of counts, a column a model, then the first differences and notes in words."""
    expected, outcomes = verification.expected, verification.outcomes
    rows = outcomes["measurements"].counts
    watermark_s = expected.watermark_s
    _say(
        console,
        f"run {expected.run}: {rows['rows counted']} rows counted, "
        f"{rows['rows repeated']} repeated, {rows['rows late']} late, "
        f"{rows['rows ahead']} too far ahead, "
        f"{rows['frames refused']} frames refused, "
        f"{rows['dead letters found']} of {rows['dead letters expected']} dead letters found; "
        f"watermark {'not set' if watermark_s is None else to_iso(watermark_s)}",
    )
    if verification.record is not None:
        _say(console, origin_of(verification.record))
    console.print(_table(verification))
    for name, outcome in outcomes.items():
        if outcome.largest:
            at = f"{outcome.largest:.2g}, {outcome.largest_at}"
            _say(console, f"{name}: largest relative difference {at}")
    notes = [note for outcome in outcomes.values() for note in outcome.notes]
    problems = [problem for outcome in outcomes.values() for problem in outcome.problems]
    _list(console, "note", notes)
    _list(console, "DIFFERENT", problems)
    verdict = (
        "equal: nothing is missing, double or different"
        if verification.ok
        else "NOT EQUAL: see above"
    )
    console.print(verdict, style="green" if verification.ok else "red")


def _table(verification: Verification) -> Table:
    models = [name for name in verification.outcomes if name != "measurements"]
    table = Table("", *models)
    for column in table.columns[1:]:
        column.justify = "right"
    for group, names in GROUPS.items():
        if group == "open windows" and not verification.open_checked:
            continue
        for name in names:
            counts = [verification.outcomes[model].counts[f"{group} {name}"] for model in models]
            if any(counts) or name in ("expected", "found", "equal", "missing", "differing"):
                table.add_row(f"{group} {name}", *map(str, counts))
    table.add_row(
        "largest relative difference",
        *(f"{verification.outcomes[model].largest:.2g}" for model in models),
    )
    return table


def _list(console: Console, label: str, texts: list[str]) -> None:
    for text in texts[:FIRST]:
        _say(console, f"{label}: {text}")
    if len(texts) > FIRST:
        _say(console, f"{label}: and {len(texts) - FIRST} more")


def _say(console: Console, text: str) -> None:
    console.print(printable(text), highlight=False, markup=False)
