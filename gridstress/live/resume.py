"""Where a live run stands in ``grid_measurements``."""

import time

from gridstress.datasets.fitting import period_of
from gridstress.live.run import LiveRun
from gridstress.option_time import time_of
from gridstress.replay_resume import frames_of
from gridstress.replay_schedule import check_run
from gridstress.run_records.record import zone_sent
from gridstress.settings import Settings
from gridstress.topics import ensure_topics
from topology.clock import to_iso
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.messages import ZoneSent

DAY_S = 86_400


async def live_run(
    settings: Settings,
    grid: Grid,
    run: str,
    *,
    since: str | None,
    resolution: str,
    patience_h: float,
    seed: int = 0,
) -> LiveRun:
    """Give a run as far as the topic has it, or a new one.

    Parameters
    ----------
    since
        Where a new run begins, ISO-8601; None for a day ago. Rounded down to the resolution.
    resolution
        A key of ``RESOLUTIONS_S``.

    Raises
    ------
    UsageError
        If a name or a time cannot be used.
    DataError
        If the run is there, with another resolution.
    BrokerError
        If no broker answers.
    """
    check_run(run)
    period_s = period_of(resolution)
    begin_s = _begin_s(since) // period_s * period_s
    await ensure_topics(settings)
    sent: dict[str, ZoneSent] = {}
    async for frame in frames_of(settings.kafka, run):
        if frame.period_s != period_s:
            raise DataError(
                f"run {run!r} has a value every {frame.period_s} s, not {period_s} s",
                hint="give the --resolution it was begun with, or another --run",
            )
        begin_s = int(frame.times_s[0]) - frame.seq * period_s
        sent[frame.zone] = zone_sent(sent.get(frame.zone), frame)
    if sent and since is not None and begin_s != _begin_s(since) // period_s * period_s:
        raise UsageError(
            f"run {run!r} has begun at {to_iso(begin_s)}", hint="leave --since out to go on with it"
        )
    last = {zone: of_zone.last_seq for zone, of_zone in sent.items()}
    return LiveRun(run, grid, period_s, begin_s, int(patience_h * 3600), seed, last, sent)


def _begin_s(since: str | None) -> int:
    return int(time.time()) - DAY_S if since is None else int(time_of("since", since))
