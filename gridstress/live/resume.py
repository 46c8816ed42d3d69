"""Find where a live run stands: in ``grid_measurements``, and in the workers' tables."""

import time
from collections.abc import Collection, Mapping
from contextlib import suppress

import msgspec

from gridstress.datasets.fitting import period_of
from gridstress.kafka.topic_reader import scan_topic
from gridstress.kafka.topics import MEASUREMENTS, VIEW, ensure_topics
from gridstress.kafka_connection import Where
from gridstress.live.live_run import LiveRun
from gridstress.replay.resume import frames_of
from gridstress.replay.schedule import check_run
from gridstress.run_records.record import zone_sent
from gridstress.settings import Settings
from topology.clock import to_iso
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.run_messages import ZoneSent

DAY_S = 86_400

FIRST_S = 1_420_070_400
"""2015-01-01, before which the platform has nothing. What the workers have counted up to an earlier
time was numbered otherwise: from the run's own begin, or by a longer period."""


class _Counted(msgspec.Struct):
    run: str
    applied: dict[str, int] = {}


async def live_run(
    settings: Settings,
    grid: Grid,
    run: str,
    *,
    since_s: float | None,
    resolution: str,
    patience_h: float,
    seed: int = 0,
) -> LiveRun:
    """Give a run as far as the topic has it or the workers have counted it, or a new one.

    The topic forgets what is older than its retention. What the workers have counted stands in
    their views, which are kept; no worker needs to be up.

    Parameters
    ----------
    since_s
        Where a zone begins of which nothing was sent, epoch seconds; None for a day ago. Rounded
        down to the resolution.
    resolution
        A key of ``RESOLUTIONS_S``.

    Raises
    ------
    UsageError
        If a name cannot be used, or ``since_s`` would leave out rows.
    DataError
        If the run is there with another resolution, or with numbers that are not those of its
        times: the workers would take what comes for repeats.
    BrokerError
        If no broker answers.
    """
    check_run(run)
    period_s = period_of(resolution)
    begin_s = int(time.time() - DAY_S if since_s is None else since_s) // period_s * period_s
    await ensure_topics(settings)
    zones_sent, sent = await _sent(settings.kafka, run, period_s)
    for zone, number in (await _counted(settings.kafka, run, grid.zones)).items():
        if number * period_s > time.time() + DAY_S:
            found = f"the workers have counted row {number} of zone {zone}"
            raise _numbered_otherwise(run, found, period_s)
        if number * period_s >= FIRST_S:
            sent[zone] = max(sent.get(zone, number), number)
    going = LiveRun(run, grid, period_s, begin_s, int(patience_h * 3600), seed, sent, zones_sent)
    if since_s is not None:
        _check_since(going, begin_s)
    return going


async def _sent(
    where: Where, run: str, period_s: int
) -> tuple[dict[str, ZoneSent], dict[str, int]]:
    """By zone, what the topic has, and the number of its last row, by its time."""
    zones_sent: dict[str, ZoneSent] = {}
    sent: dict[str, int] = {}
    async for frame in frames_of(where, run):
        if frame.period_s != period_s:
            raise DataError(
                f"run {run!r} has a value every {frame.period_s} s, not {period_s} s",
                hint="give the --resolution it was begun with, or another --run",
            )
        number = int(frame.times_s[-1]) // period_s
        if frame.last_seq > number:
            found = f"{MEASUREMENTS} has row {frame.last_seq} of zone {frame.zone}"
            raise _numbered_otherwise(run, found, period_s)
        sent[frame.zone] = max(sent.get(frame.zone, number), number)
        zones_sent[frame.zone] = zone_sent(zones_sent.get(frame.zone), frame)
    return zones_sent, sent


async def _counted(where: Where, run: str, zones: Collection[str]) -> Mapping[str, int]:
    """By zone, the highest number that any shard has counted."""
    counted: dict[str, int] = {}
    name = msgspec.json.encode(run)
    async for record in scan_topic(where, VIEW):
        if name not in (record.value or b""):
            continue
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            view = msgspec.json.decode(record.value or b"", type=_Counted)
            for zone, number in view.applied.items() if view.run == run else ():
                if zone in zones:
                    counted[zone] = max(counted.get(zone, number), number)
    return counted


def _numbered_otherwise(run: str, found: str, period_s: int) -> DataError:
    return DataError(
        f"run {run!r} is numbered otherwise than by time / {period_s} s: {found}",
        hint="give the --resolution it was begun with, or another --run; rows that this feed sends "
        "would have lower numbers, and so count as repeats",
    )


def _check_since(going: LiveRun, since_s: int) -> None:
    for zone in sorted(going.sent):
        if since_s > going.next_s(zone):
            raise UsageError(
                f"run {going.run!r} has zone {zone} up to {to_iso(going.next_s(zone))}; --since "
                f"{to_iso(since_s)} would leave out rows",
                hint="leave --since out to go on with it",
            )
