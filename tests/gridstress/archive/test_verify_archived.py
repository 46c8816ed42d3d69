"""What an archive lacks or has too much of is found, whatever the run's record says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from msgspec import structs

from gridstress.archive.files import run_folder
from gridstress.archive.past import Archives
from gridstress.settings import Settings
from gridstress.verify.archived import verify_archived
from tests.gridstress.archive import test_past
from tests.gridstress.archive.test_past import HOURS, archives, frames_of
from tests.support.archives import archive_in, record_of, topics_of
from tests.support.frames import at
from topology.codec import decode, encode
from topology.grid import Grid
from topology.messages import RiskAlert, RiskWindow

settings = test_past.settings
WINDOWS, ALERTS = "risk_windows_linear", "risk_alerts_linear"


def window(record: ConsumerRecord) -> RiskWindow:
    return decode(record.value, RiskWindow)


def all_records(grid: Grid, settings: Settings) -> list[ConsumerRecord]:
    record = record_of(grid, settings, state="ended", ended=at(300))
    return topics_of(frames_of(grid), grid, settings, record)


LOST: dict[str, Callable[[ConsumerRecord], bool]] = {
    "a shard": lambda r: r.topic == WINDOWS and r.partition == 0,
    "all windows": lambda r: r.topic in (WINDOWS, ALERTS),
    "the last day": lambda r: r.topic == WINDOWS and window(r).window_end >= at(HOURS - 30),
    "all alerts": lambda r: r.topic == ALERTS,
    "a measurement": lambda r: r.topic == "grid_measurements" and r.offset == 4,
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("with_record", [True, False])
def test_what_is_lost_is_found(
    triangle: Grid, settings: Settings, lost: str, with_record: bool
) -> None:
    kept = [
        r
        for r in all_records(triangle, settings)
        if not LOST[lost](r) and (with_record or r.topic != "runs")
    ]
    archive_in(settings.archive_dir, kept, settings.model_names)
    assert not verify_archived(settings.archive_dir, "r", triangle, settings).ok


def changed(record: ConsumerRecord, **fields: Any) -> ConsumerRecord:
    kind = RiskWindow if record.topic == WINDOWS else RiskAlert
    value = encode(structs.replace(decode(record.value, kind), **fields))
    return replace(record, offset=10**6, value=value)


@pytest.mark.parametrize("compacted", [False, True])
def test_what_is_there_too_much_is_found_and_what_came_first_is_shown(
    triangle: Grid, settings: Settings, compacted: bool
) -> None:
    records = all_records(triangle, settings)
    real = [r for r in records if r.topic == WINDOWS and window(r).nodes][3]
    alert = next(r for r in records if r.topic == ALERTS)
    risk, end = window(real).risk, window(real).window_end
    for number, extra in enumerate(
        (
            changed(real, risk=[0.999] * len(risk)),
            changed(real, window_end=end + timedelta(minutes=7)),
            changed(alert, alert_id="x"),
            changed(alert, risk_score=0.5),
        )
    ):
        home = settings.archive_dir.with_name(f"archive-{number}")
        archive = archive_in(home, [*records, extra], settings.model_names)
        if compacted:
            archive.compact(run_folder(home, "r"))
        assert not verify_archived(home, "r", triangle, settings).ok, number
    first = settings.archive_dir.with_name("archive-0")
    shown: Archives = replace(archives(triangle, settings), home=first)
    highest = max(max(window(r).risk, default=0.0) for r in records
                  if r.topic == WINDOWS and window(r).window_end == end)  # fmt: skip
    risks = {end_s: risk for end_s, risk, _ in shown.extremes("r", "linear")}
    assert risks[end.timestamp()] == highest


def test_a_window_of_another_model_or_shard_takes_no_place(
    triangle: Grid, settings: Settings
) -> None:
    records = all_records(triangle, settings)
    real = [r for r in records if r.topic == WINDOWS and window(r).nodes][3]
    forged = replace(
        changed(real, model="centrality", risk=[0.999] * len(window(real).risk)), offset=0
    )
    astray = replace(
        changed(real, risk=[0.999] * len(window(real).risk)), partition=1 - real.partition
    )
    archive_in(settings.archive_dir, [forged, astray, *records], settings.model_names)
    assert verify_archived(settings.archive_dir, "r", triangle, settings).ok


def test_a_run_that_goes_on_is_judged_up_to_what_there_is(
    triangle: Grid, settings: Settings
) -> None:
    record = record_of(triangle, settings)
    records = topics_of(frames_of(triangle)[:-2], triangle, settings, record)
    kinds: dict[str, Any] = {WINDOWS: RiskWindow, ALERTS: RiskAlert}
    cut = [
        r
        for r in records
        if r.topic not in kinds or decode(r.value, kinds[r.topic]).window_end < at(HOURS - 30)
    ]
    archive_in(settings.archive_dir, cut, settings.model_names)
    found = verify_archived(settings.archive_dir, "r", triangle, settings)
    assert found.ok, found.outcomes["linear"].problems
    assert any("have no windows up to the last" in n for n in found.outcomes["measurements"].notes)
    gap = [r for r in cut if r.topic != WINDOWS or window(r).window_end != at(50)]
    other = settings.archive_dir.with_name("other")
    archive_in(other, gap, settings.model_names)
    assert not verify_archived(other, "r", triangle, settings).ok
