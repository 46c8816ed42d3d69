"""Runs that other settings have ended: no log says how far each shard had counted by then."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from gridstress.verify.compare import compare
from gridstress.verify.compare_dead_letters import RowsDeadLetter
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import recompute
from tests.gridstress.verify.samples import GRID, HOUR, SETTINGS, record
from tests.gridstress.verify.test_faults import (
    MODEL,
    STRANGE,
    STRESSED,
    World,
    dead_letter,
    frames,
    later_dead_letter,
    north,
    world,
)
from topology.codec import encode
from topology.shards import shard_of

REACHED_S = 3 * HOUR
"""Where shard 1 was when the run was ended; shard 0 had counted everything."""


def ended() -> World:
    """Workers were killed: what they had not committed is refused now, counted or not."""
    found = world()
    found.observed.ended = True
    for model, windows in found.observed.windows.items():
        found.observed.windows[model] = [
            w for w in windows if w.shard == 0 or w.window_end.timestamp() <= REACHED_S
        ]
        found.observed.alerts[model] = [
            a
            for a in found.observed.alerts[model]
            if shard_of(a.node_id, 2) == 0 or a.window_end.timestamp() <= REACHED_S
        ]
    found.observed.skipped_rows = [
        dead_letter for dead_letter in found.observed.skipped_rows if dead_letter.shard == 0
    ]
    found.observed.dead_letters.measurements += [
        dead_letter(offset, encode(frame), "other-settings", "r1")
        for offset, frame in enumerate(frames())
        if frame != STRANGE
    ]
    later_dead_letter(found, "other-settings")
    return found


def compared(found: World) -> dict[str, Outcome]:
    return compare(found.expected, found.observed, measurements=found.measurements)


def test_each_shard_is_compared_up_to_its_last_final_window() -> None:
    found = ended()
    outcomes = compared(found)
    assert [outcome.problems for outcome in outcomes.values()] == [[], [], []]
    whole = world().found()[MODEL].counts
    counts = outcomes[MODEL].counts
    assert counts["windows found"] == counts["windows expected"] == whole["windows expected"] - 1
    assert counts["alerts found"] == counts["alerts expected"] > 0
    assert outcomes["measurements"].counts["records refused: run ended"] == 3 + 1


def test_a_worker_that_was_killed_may_have_sent_windows_without_their_alerts() -> None:
    found = ended()
    del found.observed.alerts[MODEL][-1]
    assert all(outcome.ok for outcome in compared(found).values())


def test_a_row_that_was_sent_again_with_other_content_is_noted() -> None:
    """It may have come after the end, and been refused."""
    found = ended()
    found.measurements.add(record(0, 6, encode(north(2.0))))
    found.observed.dead_letters.measurements.append(
        dead_letter(6, encode(north(2.0)), "other-settings", run="r1")
    )
    found.expected = recompute(found.measurements.frames, GRID, SETTINGS)
    outcome = compared(found)["measurements"]
    assert outcome.ok, outcome.problems
    assert outcome.counts["rows conflicting"] == len(STRESSED)
    assert any("is there twice with other content" in note for note in outcome.notes)


def first_of(shard: int) -> Callable[[World], None]:
    def take(found: World) -> None:
        windows = found.observed.windows[MODEL]
        windows.remove(next(w for w in windows if w.shard == shard))

    return take


def alter(found: World) -> None:
    windows = found.observed.windows[MODEL]
    i = next(i for i, w in enumerate(windows) if w.nodes)
    windows[i] = msgspec.structs.replace(windows[i], risk=np.full(len(windows[i].nodes), 0.5))


FAULTS: dict[str, tuple[Callable[[World], Any], str]] = {
    "a missing window": (first_of(0), "windows missing"),
    "one of the other shard": (first_of(1), "windows missing"),
    "an altered value": (alter, "values differing"),
    "a missing alert": (lambda w: w.observed.alerts[MODEL].pop(0), "alerts missing"),
    "a row that was not late": (
        lambda w: w.observed.skipped_rows.append(RowsDeadLetter(MODEL, 1, "North", "late", (2,))),
        "late rows extra",
    ),
    "a record that was refused for another reason": (later_dead_letter, "dead letters unexpected"),
    "a missing dead letter": (
        lambda w: w.observed.dead_letters.measurements.remove(
            next(
                one for one in w.observed.dead_letters.measurements if one.reason == "unknown-zone"
            )
        ),
        "dead letters missing",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_before_the_end_is_found(fault: str) -> None:
    plant, count = FAULTS[fault]
    found = ended()
    plant(found)
    bad = [outcome for outcome in compared(found).values() if not outcome.ok]
    assert [bool(outcome.counts[count]) for outcome in bad] == [True]
