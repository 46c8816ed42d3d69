"""One fault of every kind, planted into what an app that works has said: each must be named."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import pytest

from gridstress.verify.compare import Observed, compare
from gridstress.verify.compare_dead_letters import RowsDeadLetter
from gridstress.verify.compare_refused import RecordDeadLetter
from gridstress.verify.compare_windows import OpenWindows
from gridstress.verify.measured import Measurements, Place, digest
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Recomputed, recompute, spread
from tests.gridstress.verify.samples import (
    GRID,
    HOUR,
    SETTINGS,
    echo,
    echo_open,
    evening,
    frame,
    load,
    record,
)
from tests.support.frames import at, run_record
from topology.clock import to_datetime
from topology.codec import encode
from topology.messages import MeasurementFrame, SourceShare
from topology.run_messages import RunRecord, ZoneSent

MODEL = "linear"
STRANGE = frame("West", 0, [0], [[1.0]], nodes=["a"])
LATE = frame("North", 6, [2], [[load(9), load(9)]])


STRESSED = (1, 2, 5)
"""Hours in which `a` is stressed: in the last one, windows are open."""


def north(factor: float = 1.0) -> MeasurementFrame:
    rows = [[load(factor if hour in STRESSED else -1), load(-1)] for hour in range(6)]
    return frame("North", 0, [0, 1, 2, 3, 4, 5], rows)


def frames() -> list[MeasurementFrame]:
    """Six hours that have not ended, with a late row and a frame of no zone."""
    return [north(), LATE, STRANGE, evening()[1]]


@dataclass
class World:
    """A run, what the app said of it, and the records and dead letters behind both."""

    expected: Recomputed
    observed: Observed
    open_windows: dict[str, OpenWindows]
    measurements: Measurements

    def found(self) -> dict[str, Outcome]:
        return compare(self.expected, self.observed, self.open_windows, self.measurements)


def world(app_frames: list[MeasurementFrame] | None = None) -> World:
    """Everything as it should be; or an app that counted other frames."""
    measurements = Measurements("r1")
    raws = [*map(encode, frames()), b"rubbish", None]
    for offset, raw in enumerate(raws):
        measurements.add(record(0, offset, raw))
    measurements.record = sent_record()
    expected = recompute(measurements.frames, GRID, SETTINGS)
    app = expected if app_frames is None else recompute(app_frames, GRID, SETTINGS)
    observed = echo(app)
    for offset, reason in ((2, "unknown-zone"), (4, "invalid"), (5, "invalid")):
        observed.dead_letters.measurements.append(dead_letter(offset, raws[offset], reason))
    return World(expected, observed, echo_open(app), measurements)


def sent_record(north: int = 7) -> RunRecord:
    """The record of a sender that has ended the south, and so many rows of the north."""
    sent = {
        "North": ZoneSent(rows=north, last_seq=north - 1),
        "South": ZoneSent(rows=6, last_seq=5),
        "West": ZoneSent(rows=1),
    }
    return msgspec.structs.replace(run_record("r1"), state="ended", ended=at(50), sent=sent)


def dead_letter(
    offset: int, raw: bytes | None, reason: str, run: str | None = None
) -> RecordDeadLetter:
    return RecordDeadLetter(
        "grid_measurements", Place(0, offset), "detection", reason, digest(raw), run=run
    )


def test_without_a_fault_nothing_is_found() -> None:
    outcomes = world().found()
    assert [outcome.problems for outcome in outcomes.values()] == [[], [], []]
    counts = outcomes["measurements"].counts
    assert (counts["dead letters expected"], counts["dead letters found"]) == (3, 3)
    assert (counts["records of no run"], counts["frames refused"]) == (2, 1)
    assert outcomes[MODEL].counts["late rows found"] == 2
    assert outcomes[MODEL].counts["open windows found"] > 0
    assert outcomes[MODEL].counts["alerts found"] > 3


def at_window(found: World) -> int:
    """Position of a final window with all three nodes."""
    return next(i for i, w in enumerate(found.observed.windows[MODEL]) if len(w.nodes) == 3)


def change_window(found: World, **values: Any) -> None:
    i = at_window(found)
    found.observed.windows[MODEL][i] = msgspec.structs.replace(
        found.observed.windows[MODEL][i], **values
    )


def change_alert(found: World, i: int, **values: Any) -> None:
    found.observed.alerts[MODEL][i] = msgspec.structs.replace(
        found.observed.alerts[MODEL][i], **values
    )


def escalation(found: World) -> int:
    """Position of an alert that is not the first of its episode."""
    alerts = found.observed.alerts[MODEL]
    return next(i for i, alert in enumerate(alerts) if alert.state == "ESCALATED")


def dropped_frame() -> World:
    """The app never counted the second hour of the north."""
    rows = north().load_mw
    parts = frame("North", 0, [0], rows[:1]), frame("North", 2, [2, 3, 4, 5], rows[2:])
    return world([*parts, *frames()[1:]])


def doubled_frame() -> World:
    """The app counted every hour of the north twice."""
    return world([north(2.0), *frames()[1:]])


def wrong_matrix() -> World:
    """One entry of the app's K is off by a millionth."""
    found = world()
    right = found.expected.models[MODEL]
    matrix = right.influence.tocsr(copy=True)
    matrix[GRID.index["a"], GRID.index["b"]] *= 1 + 1e-6
    final_ends_s = found.expected.ends_s[: found.expected.closed]
    wrong = spread(MODEL, matrix, found.expected.own_stress, final_ends_s, SETTINGS)
    app = replace(found.expected, models=found.expected.models | {MODEL: wrong})
    found.observed.windows, found.observed.alerts = echo(app).windows, echo(app).alerts
    found.open_windows = echo_open(app)
    return found


def planted(change: Callable[[World], Any]) -> Callable[[], World]:
    def make() -> World:
        found = world()
        change(found)
        return found

    return make


def alter_open(found: World) -> None:
    first, *others = found.open_windows[MODEL].windows
    wrong = replace(first, stress=[1.001 * x for x in first.stress])
    found.open_windows[MODEL] = OpenWindows([wrong, *others])


def drop_open(found: World) -> None:
    found.open_windows[MODEL] = OpenWindows(found.open_windows[MODEL].windows[1:])


def wrong_shard(found: World) -> None:
    window = found.observed.windows[MODEL][at_window(found)]
    change_window(found, shard=1 - window.shard)


def double_window(found: World) -> None:
    window = found.observed.windows[MODEL][at_window(found)]
    values = 2 * window.stress
    found.observed.windows[MODEL].append(msgspec.structs.replace(window, stress=values))


def disorder(found: World) -> None:
    """The node's first two steps change places in the log."""
    alerts = found.observed.alerts[MODEL]
    i, j = [i for i, alert in enumerate(alerts) if alert.node_id == "a"][:2]
    alerts[i], alerts[j] = alerts[j], alerts[i]


def wrong_share(found: World) -> None:
    sources = found.observed.alerts[MODEL][0].sources
    first = SourceShare(sources[0].node_id, sources[0].share * (1 - 1e-6))
    change_alert(found, 0, sources=[first, *sources[1:]])


def drop_dead_letter(offset: int) -> Callable[[World], None]:
    def change(found: World) -> None:
        dead_letters = found.observed.dead_letters
        dead_letters.measurements = [
            x for x in dead_letters.measurements if x.place != Place(0, offset)
        ]

    return change


def add_dead_letter(found: World) -> None:
    raw = encode(frames()[0])
    found.observed.dead_letters.measurements.append(dead_letter(0, raw, "failed", run="r1"))


def other_reason(found: World) -> None:
    dead_letters = found.observed.dead_letters.measurements
    dead_letters[0] = replace(dead_letters[0], reason="unknown-node")


def corrupt_dead_letter(found: World) -> None:
    dead_letters = found.observed.dead_letters.measurements
    dead_letters[0] = replace(dead_letters[0], digest=digest(b"not what it was"))


def later_dead_letter(found: World, reason: str = "failed") -> None:
    found.observed.dead_letters.later.append(
        RecordDeadLetter("stress_events", Place(0, 3), "propagation_linear", reason, "", run="r1")
    )


def refuse_as_ended(found: World) -> None:
    raw = encode(frames()[0])
    found.observed.dead_letters.measurements.append(dead_letter(0, raw, "other-settings", run="r1"))


FAULTS: dict[str, tuple[Callable[[], World], set[str], str]] = {
    "a dropped frame": (dropped_frame, {"values differing"}, "stress of a in the window ending"),
    "a doubled frame": (doubled_frame, {"values differing"}, "stress of a in the window ending"),
    "a wrong entry of the matrix": (wrong_matrix, {"values differing"}, "stress of b"),
    "an altered value": (
        planted(lambda w: change_window(w, risk=np.full(3, 0.123))),
        {"values differing"},
        "is 0.123, recomputed",
    ),
    "a missing window": (
        planted(lambda w: w.observed.windows[MODEL].pop(at_window(w))),
        {"windows missing"},
        "is missing",
    ),
    "a doubled window with other values": (
        planted(double_window),
        {"windows conflicting"},
        "twice with other values",
    ),
    "a wrong shard": (planted(wrong_shard), {"windows malformed"}, "is of another shard"),
    "another partition": (
        planted(lambda w: w.observed.misplaced.append("risk_windows_linear 1/7: belongs to 0")),
        {"results misplaced"},
        "risk_windows_linear 1/7",
    ),
    "a wrong window_start": (
        planted(lambda w: change_window(w, window_start=to_datetime(-9 * HOUR))),
        {"windows malformed"},
        "starts 1969-12-31T15:00:00+00:00, not 7200 s before",
    ),
    "a missing open window": (
        planted(drop_open),
        {"open windows missing"},
        "open window ending",
    ),
    "an altered open window": (planted(alter_open), {"values differing"}, "open stress of"),
    "a missing alert": (
        planted(lambda w: w.observed.alerts[MODEL].pop(0)),
        {"alerts missing"},
        "is missing",
    ),
    "an alert step out of order": (planted(disorder), {"alerts disordered"}, "alert a "),
    "a wrong level": (
        planted(lambda w: change_alert(w, 0, level="CRITICAL")),
        {"alerts differing"},
        "level is 'CRITICAL', recomputed",
    ),
    "a wrong share": (planted(wrong_share), {"alerts differing"}, "sources are"),
    "a wrong peak": (
        planted(lambda w: change_alert(w, -1, peak_risk=0.8)),
        {"alerts differing"},
        "peak_risk is 0.8, recomputed",
    ),
    "a peak that is lost": (
        planted(lambda w: change_alert(w, escalation(w), peak_risk=None)),
        {"alerts differing"},
        "peak_risk is missing",
    ),
    "a late row that is not reported": (
        planted(lambda w: w.observed.skipped_rows.pop()),
        {"late rows missing"},
        "late rows 6 are not in dead_letters",
    ),
    "rows of a run that a shard has forgotten": (
        planted(
            lambda w: w.observed.skipped_rows.append(
                RowsDeadLetter(MODEL, 1, "North", "forgotten", (7, 8))
            )
        ),
        {"rows refused: run forgotten"},
        "linear: zone 'North', shard 1: rows 7, 8 came after the shard had forgotten the run",
    ),
    "a dead letter of a run that was not ended": (
        planted(refuse_as_ended),
        {"dead letters extra"},
        "grid_measurements 0/0 can be used, but its dead letter says other-settings",
    ),
    "a later dead letter of a run that was not ended": (
        planted(lambda w: later_dead_letter(w, "other-settings")),
        {"dead letters unexpected"},
        "propagation_linear refused a record of the run as other-settings",
    ),
    "a missing dead letter": (
        planted(drop_dead_letter(2)),
        {"dead letters missing"},
        "grid_measurements 0/2 (unknown zone 'West') cannot be used, but has no dead letter",
    ),
    "a missing dead letter about rubbish": (
        planted(drop_dead_letter(4)),
        {"dead letters missing"},
        "grid_measurements 0/4 (not JSON",
    ),
    "a missing dead letter about a record without value": (
        planted(drop_dead_letter(5)),
        {"dead letters missing"},
        "grid_measurements 0/5 (the record has no value",
    ),
    "a run record that says more rows were sent": (
        planted(lambda w: setattr(w.measurements, "record", sent_record(north=9))),
        {"zones lost before the topic"},
        "zone North: 9 rows up to seq 8 were sent, 7 up to 6 are in the topic",
    ),
    "an extra dead letter": (
        planted(add_dead_letter),
        {"dead letters extra"},
        "grid_measurements 0/0 can be used, but its dead letter says failed",
    ),
    "a dead letter with another reason": (
        planted(other_reason),
        {"dead letters differing"},
        "the dead letter says unknown-node by detection, not unknown-zone",
    ),
    "a dead letter with other bytes": (
        planted(corrupt_dead_letter),
        {"dead letters missing"},
        "grid_measurements 0/2",
    ),
    "a dead letter from behind the measurements": (
        planted(later_dead_letter),
        {"dead letters unexpected"},
        "stress_events 0/3: propagation_linear refused a record of the run as failed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_found_and_named(fault: str) -> None:
    make, counts, words = FAULTS[fault]
    outcomes = make().found()
    problems = [text for outcome in outcomes.values() for text in outcome.problems]
    assert any(words in text for text in problems), problems
    bad = {name for outcome in outcomes.values() if not outcome.ok for name in outcome.counts}
    assert counts <= bad
