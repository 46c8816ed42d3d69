"""Compare a run's results with the recomputed ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gridstress.verify.compare_alarms import compare_alarms
from gridstress.verify.compare_dead_letters import RowsDeadLetter, compare_skipped_rows
from gridstress.verify.compare_refused import RunDeadLetters, compare_later, compare_refused
from gridstress.verify.compare_sent import compare_sent
from gridstress.verify.compare_windows import OpenWindows, compare_open, compare_windows
from gridstress.verify.due import ALL, Due
from gridstress.verify.influence import OWN
from gridstress.verify.measured import Measurements
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Recomputed
from topology.messages import RiskAlert, RiskWindow


@dataclass
class Observed:
    """The app's results of one run, by model, in the order of the logs.

    ``unreadable`` are records of the result topics that are none, ``misplaced`` those in another
    partition than their shard's. ``skipped_rows`` are dead letters of single rows,
    ``dead_letters`` all others.
    ``ended`` is whether other settings were accepted, which ended the run: how far its rows were
    counted by then is in no log, so each shard's results are compared up to its last final window.
    ``due`` says how much must be there of a run that was not.
    """

    windows: dict[str, list[RiskWindow]] = field(default_factory=dict)
    alerts: dict[str, list[RiskAlert]] = field(default_factory=dict)
    skipped_rows: list[RowsDeadLetter] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    dead_letters: RunDeadLetters = field(default_factory=RunDeadLetters)
    ended: bool = False
    due: Due = ALL


def up_to(observed: Observed, last_s: float) -> Observed:
    """Leave out the results about later event times."""
    return replace(
        observed,
        windows={
            model: [w for w in windows if w.window_end.timestamp() <= last_s]
            for model, windows in observed.windows.items()
        },
        alerts={
            model: [a for a in alerts if a.timestamp.timestamp() <= last_s]
            for model, alerts in observed.alerts.items()
        },
    )


def compare(
    expected: Recomputed,
    observed: Observed,
    open_windows: Mapping[str, OpenWindows] | None = None,
    measurements: Measurements | None = None,
) -> dict[str, Outcome]:
    """Compare everything.

    ``open_windows`` is None if the workers' state was not asked for, ``measurements`` if they are
    not from the broker: what was sent, and dead letters of ``grid_measurements``, are then not
    compared.

    Returns
    -------
    dict
        An outcome for ``measurements`` and one for each model.
    """
    outcomes = {"measurements": _measurements(expected, observed, measurements)}
    for model in expected.models:
        outcome = outcomes[model] = Outcome()
        windows, alerts = observed.windows.get(model, []), observed.alerts.get(model, [])
        dead_letters = [one for one in observed.skipped_rows if one.model == model]
        ended, due = observed.ended, observed.due
        found = compare_windows(expected, model, windows, outcome, ended=ended, due=due)
        compare_alarms(expected, model, found, alerts, outcome, ended=ended, due=due)
        compare_skipped_rows(expected, model, dead_letters, outcome, ended=ended, due=due)
        if open_windows is not None:
            compare_open(expected, model, open_windows.get(model, OpenWindows([])), outcome)
    return outcomes


def _measurements(
    expected: Recomputed, observed: Observed, measurements: Measurements | None
) -> Outcome:
    outcome = Outcome()
    intake = expected.intake
    for zone in intake.zones.values():
        outcome.counts["rows counted"] += zone.counted
        outcome.counts["rows repeated"] += zone.duplicates
        outcome.counts["rows late"] += len(zone.late_seqs)
        outcome.counts["rows ahead"] += len(zone.ahead_seqs)
        for text in zone.conflicts:
            if observed.ended:  # the other one may have come after the end and counted for nothing
                outcome.counts["rows conflicting"] += 1
                outcome.notes.append(text)
            else:
                outcome.problem("rows conflicting", text)
        outcome.notes.extend(zone.notes)
    for text in (*observed.unreadable, *observed.dead_letters.unreadable):
        outcome.problem("results unreadable", text)
    for text in observed.misplaced:
        outcome.problem("results misplaced", text)
    _refused(expected, observed, measurements, outcome)
    for model in expected.models.keys() - OWN.keys():
        outcome.notes.append(f"{model}: influence is of the model's own function, not recomputed")
    if intake.unseen_zones and expected.watermark_s is None:
        outcome.notes.append(
            f"no measurement from {', '.join(intake.unseen_zones)}: no window can become final, "
            "unless by the idle time-out, which cannot be recomputed"
        )
    return outcome


def _refused(
    expected: Recomputed, observed: Observed, measurements: Measurements | None, outcome: Outcome
) -> None:
    if measurements is None:
        refused = [f"not counted: {text}" for text in expected.intake.refused]
    else:
        compare_sent(measurements, outcome)
        compare_refused(measurements, expected.grid, observed.dead_letters, observed.ended, outcome)
        refused = [
            f"not counted: grid_measurements {record.place}: {record.reason}: {record.detail}"
            for record in measurements.judged(expected.grid)
            if record.reason
        ]
        if nameless := len(measurements.nameless):
            outcome.counts["records of no run"] += nameless
            outcome.notes.append(f"{nameless} records of grid_measurements name no run")
    if refused:
        outcome.counts["frames refused"] += len(refused)
        outcome.notes += refused
    compare_later(observed.dead_letters, observed.ended, outcome)
