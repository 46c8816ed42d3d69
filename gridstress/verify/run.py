"""One verification from end to end: read, recompute, wait for the workers, compare."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gridstress.kafka.topics import MEASUREMENTS
from gridstress.run_records.reading import read_records
from gridstress.settings import Settings
from gridstress.verify.backlog import CatchUp, committed
from gridstress.verify.circumstances import run_circumstances
from gridstress.verify.collect import (
    count_measurements,
    read_dead_letters,
    read_frames_file,
    read_measurements,
    read_results,
)
from gridstress.verify.compare import Observed, compare, up_to
from gridstress.verify.compare_refused import compare_refused
from gridstress.verify.compare_windows import OpenWindows
from gridstress.verify.measured import Measurements
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Recomputed, recompute
from gridstress.verify.workers import POLL_S, WorkerApi, drain, first_of
from topology.clock import to_iso
from topology.grid import Grid
from topology.run_messages import RunRecord


@dataclass
class Verification:
    """A finished verification: both sides and what the comparison found, by model."""

    expected: Recomputed
    observed: Observed
    outcomes: dict[str, Outcome]
    open_checked: bool
    record: RunRecord | None

    @property
    def ok(self) -> bool:
        """Whether everything agreed."""
        return all(outcome.ok for outcome in self.outcomes.values())


@dataclass(frozen=True)
class Request:
    """What to verify: ``run`` (default the newest), from ``frames_file`` or the broker.

    ``api_urls`` are workers to ask, as of `WorkerApi`, ``patience_s`` how long to wait for them
    without progress, ``with_open`` whether their open windows are compared too.
    """

    run: str | None = None
    frames_file: Path | None = None
    api_urls: str = "http://127.0.0.1:6066"
    patience_s: float = 60.0
    with_open: bool = True


async def verify_run(
    request: Request,
    grid: Grid,
    settings: Settings,
    say: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Verify one run; ``say`` is given lines about its progress.

    Raises
    ------
    BrokerError
        If the broker does not answer.
    DataError
        If there is no such run, or it cannot be used: the frames of a zone have no one order.
    GridstressError
        If the workers do not answer or do not get on, or the run was worked on with other
        settings than these.
    """
    measurements: Measurements | None = None
    # Before the measurements: of a run that has ended by then, all of them are there.
    records = await read_records(settings.kafka)
    if request.frames_file is not None:
        run, frames = read_frames_file(request.frames_file, request.run)
    else:
        measurements = await read_measurements(settings.kafka, request.run)
        run, frames = measurements.run, []
    circumstances = await run_circumstances(settings, grid, run)
    ended, notes = bool(circumstances.ended_at), [*circumstances.notes]
    if measurements is not None:
        measurements.record = records.get(run)
        measurements.check_order(grid)
        frames = measurements.frames
    say(f"run {run}: {len(frames)} frames")
    expected = await asyncio.to_thread(recompute, frames, grid, settings)
    async with WorkerApi(request.api_urls, settings.token) as api:
        if ended:
            say("a change of settings has ended this run: not waiting for workers")
            patience_s = 0.0
        else:
            patience_s, waited = await _wait(api, expected, settings, request, say)
            notes += waited
        observed = await read_results(settings.kafka, run, expected.models, settings.partitions)
        observed.ended = ended
        await _read_dead_letters(settings, expected, observed, measurements, patience_s)
        goes_on = not ended and measurements is not None and await _grown(settings, measurements)
        if goes_on:
            observed = up_to(observed, expected.final_until_s)
            until = "the start" if expected.watermark_s is None else to_iso(expected.watermark_s)
            notes.append(f"the run goes on: verified up to {until}, open windows not compared")
        with_open = request.with_open and not (goes_on or ended)
        if with_open:
            outcomes = await _with_open(api, expected, observed, measurements, patience_s)
        else:
            outcomes = compare(expected, observed, measurements=measurements)
            if not (goes_on or ended):
                notes.append("the windows still open were not compared (--no-open)")
    outcomes["measurements"].notes += notes
    return Verification(expected, observed, outcomes, with_open, records.get(run))


async def _wait(
    api: WorkerApi,
    expected: Recomputed,
    settings: Settings,
    request: Request,
    say: Callable[[str], None],
) -> tuple[float, list[str]]:
    """Wait for the workers; return how long to wait for dead letters then (s), and notes."""
    if not request.patience_s:
        return 0.0, ["no worker was waited for"]
    if not request.with_open and (reason := await api.why_silent()):
        return 0.0, [f"no worker was waited for: {reason}"]
    missing = await drain(
        api,
        expected,
        patience_s=request.patience_s,
        is_caught_up=_caught_up(settings, request, expected.run),
        say=say,
    )
    notes = [f"zone {z} has met the idle time-out" for z in await api.idle_zones()]
    if missing:
        return 0.0, [*notes, f"the workers have read what lay there: {first_of(missing)}"]
    return request.patience_s, notes


def _caught_up(settings: Settings, request: Request, run: str) -> Callable[[], Awaitable[bool]]:
    """What asks whether the workers have finished what lies there, all of a file's run."""
    catch_up = CatchUp(settings)

    async def is_done() -> bool:
        if request.frames_file is not None:  # more of it than was sent may be in the file
            record = (await read_records(settings.kafka)).get(run)
            if record is not None and record.state == "running":
                return False
        return await catch_up.is_done()

    return is_done


async def _grown(settings: Settings, measurements: Measurements) -> bool:
    """Whether measurements of the run have come since they were read."""
    now = await count_measurements(settings.kafka, measurements.run)
    return now > len(measurements.records)


async def _read_dead_letters(
    settings: Settings,
    expected: Recomputed,
    observed: Observed,
    measurements: Measurements | None,
    patience_s: float,
) -> None:
    """Read the dead letters, again as long as some are missing and others still come.

    Workers that have caught up with the run may not yet have looked at what lies behind it; for
    those of a run that has ended there was no wait, so where they are is asked.
    """
    due_before = await committed(settings, MEASUREMENTS) if observed.ended else None
    loop = asyncio.get_running_loop()
    deadline, before = loop.time() + patience_s, math.inf
    while True:
        await read_dead_letters(settings.kafka, expected.run, observed)
        observed.dead_letters.due_before = due_before
        if measurements is None:
            return
        found = Outcome()
        compare_refused(measurements, expected.grid, observed.dead_letters, observed.ended, found)
        missing = found.counts["dead letters missing"]
        if missing < before:
            deadline, before = loop.time() + patience_s, missing
        if not missing or loop.time() >= deadline:
            return
        await asyncio.sleep(POLL_S)


async def _with_open(
    api: WorkerApi,
    expected: Recomputed,
    observed: Observed,
    measurements: Measurements | None,
    patience_s: float,
) -> dict[str, Outcome]:
    """Compare with the open windows, again until they agree or stop changing.

    What a worker shows is published once a second, so it may be a moment behind the topics.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(patience_s, 10.0)
    before: dict[str, OpenWindows] | None = None
    while True:
        open_windows = {m: await api.open_windows(m, expected.run) for m in expected.models}
        if open_windows != before:
            outcomes = compare(expected, observed, open_windows, measurements)
            before = open_windows
        disagree = any(
            count in ("open windows missing", "open windows extra", "values differing")
            for outcome in outcomes.values()
            for count in outcome.counts
        )
        unknown = any(found.complete_until_s == -math.inf for found in open_windows.values())
        if not (disagree or unknown) or loop.time() > deadline:
            return outcomes
        await asyncio.sleep(POLL_S)
