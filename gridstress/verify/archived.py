"""Verify an archived run: what it was made of, recomputed, against what the archive has of it."""

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gridstress.archive.reading import ArchivedRun, archived_folder
from gridstress.group_settings.fingerprint import fingerprint
from gridstress.settings import Settings
from gridstress.verify.collect import take_dead_letter, take_result
from gridstress.verify.compare import Observed, compare
from gridstress.verify.due import AlertsDue, Due
from gridstress.verify.measured import Measurements
from gridstress.verify.recompute import Recomputed, recompute
from gridstress.verify.records import parse
from gridstress.verify.run import Verification
from topology.clock import to_iso
from topology.codec import decode
from topology.errors import DataError, GridstressError
from topology.grid import Grid
from topology.messages import RiskWindow


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
    ended = all(zone.ended_s is not None for zone in expected.intake.zones.values())
    if not ended:
        observed.due = _due(archived, settings)
    outcomes = compare(expected, observed, measurements=measurements)
    notes = outcomes["measurements"].notes
    notes.append("from the archive; the windows still open were not compared")
    if not ended:
        notes.append("the run has not ended: compared up to the last final window of each shard")
    notes += _unfinished(expected, observed, settings)
    return Verification(expected, observed, outcomes, open_checked=False, record=record)


def _observed(archived: ArchivedRun, settings: Settings) -> Observed:
    observed = Observed()
    for model in settings.model_names:
        observed.windows[model], observed.alerts[model] = [], []
        for records in (archived.windows(model), archived.alerts(model)):
            for found in records:
                take_result(
                    found, parse(found.value, packed=True), model, settings.partitions, observed
                )
    for found in archived.dead_letters():
        take_dead_letter(found, archived.run, observed)
    return observed


def _due(archived: ArchivedRun, settings: Settings) -> Due:
    """What must be there of a run that has not ended: windows before others, and their alerts."""
    alerts_s = {}
    for model in settings.model_names:
        shards = [AlertsDue() for _ in range(settings.partitions)]
        for found in archived.windows(model):
            window = decode(found.value, RiskWindow)
            if window.shard < len(shards):
                sent_s = found.timestamp / 1000
                shards[window.shard].see(window.window_end.timestamp(), sent_s, sent_s)
        for shard in shards:
            shard.read(math.inf)
        alerts_s[model] = np.array([shard.until_s for shard in shards])
    return Due(-math.inf, alerts_s, defaultdict(lambda: -1))


def _unfinished(expected: Recomputed, observed: Observed, settings: Settings) -> Iterator[str]:
    """Say which shards have no windows up to the end, as of workers that had not finished."""
    if not expected.closed:
        return
    end_s = float(expected.ends_s[expected.closed - 1])
    for model in expected.models:
        last_s = dict.fromkeys(range(settings.partitions), -math.inf)
        for window in observed.windows[model]:
            at_s = window.window_end.timestamp()
            last_s[window.shard] = max(last_s.get(window.shard, at_s), at_s)
        short = sorted(shard for shard, at_s in last_s.items() if at_s < end_s)
        if short:
            yield (
                f"{model}: shards {', '.join(map(str, short))} have no windows up to the last, "
                f"{to_iso(end_s)}: the workers had not finished when this was archived, or the "
                "archive lacks the end"
            )
