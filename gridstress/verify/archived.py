"""Verify an archived run: what it was made of, recomputed, against what the archive has of it."""

from pathlib import Path

from gridstress.archive.reading import ArchivedRun, archived_folder
from gridstress.group_settings.fingerprint import fingerprint
from gridstress.settings import Settings
from gridstress.verify.collect import take_dead_letter, take_result
from gridstress.verify.compare import Observed, compare
from gridstress.verify.measured import Measurements
from gridstress.verify.recompute import recompute
from gridstress.verify.records import parse
from gridstress.verify.run import Verification
from topology.errors import DataError, GridstressError
from topology.grid import Grid


def verify_archived(home: Path, run: str, grid: Grid, settings: Settings) -> Verification:
    """Verify a run from the archive in ``home`` alone.

    Of a run that had not ended each shard is compared up to its last final window.

    Raises
    ------
    DataError
        If there is no such run, or it cannot be used: the frames of a zone have no one order.
    GridstressError
        If it was worked on with other settings or on another grid.
    """
    archived = ArchivedRun(archived_folder(home, run))
    record = archived.record()
    if record is not None and record.settings_fingerprint != fingerprint(settings, grid):
        raise GridstressError(
            f"run {run} was worked on with other settings than these, or on another grid "
            f"({record.grid})",
            hint="set GRIDSTRESS_TOPOLOGY, GRIDSTRESS_MODELS and the others as they were",
        )
    measurements = Measurements(archived.run, record=record)
    for found in archived.measurements():
        measurements.add(found)
    if not measurements.records:
        raise DataError(f"the archive has no measurements of run {run}")
    measurements.check_order(grid)
    expected = recompute(measurements.frames, grid, settings)
    observed = _observed(archived, settings)
    observed.ended = record is None or record.state != "ended"
    outcomes = compare(expected, observed, measurements=measurements)
    notes = outcomes["measurements"].notes
    notes.append("from the archive; the windows still open were not compared")
    if observed.ended:
        notes.append("the run has not ended: compared up to the last final window of each shard")
    return Verification(expected, observed, outcomes, open_checked=False, record=record)


def _observed(archived: ArchivedRun, settings: Settings) -> Observed:
    observed = Observed()
    for model in settings.model_names:
        observed.windows[model], observed.alerts[model] = [], []
        for records in (archived.windows(model), archived.alerts(model)):
            for found in records:
                take_result(found, parse(found.value), model, settings.partitions, observed)
    for found in archived.dead_letters():
        take_dead_letter(found, archived.run, observed)
    return observed
