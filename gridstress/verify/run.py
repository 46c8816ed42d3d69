"""One verification from end to end: read, recompute, wait for the workers, compare."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from gridstress.run_records.reading import read_records
from gridstress.settings import Settings
from gridstress.verify.collect import read_frames, read_frames_file, read_results
from gridstress.verify.compare import Observed, OpenWindows, compare, up_to
from gridstress.verify.compare_sent import compare_sent
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Recomputed, recompute
from gridstress.verify.workers import POLL_S, WorkerApi, drain
from topology.clock import to_iso
from topology.grid import Grid
from topology.messages import RunRecord
from ui.auth import authorization


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

    ``api_url`` is a worker to ask, ``patience_s`` how long to wait for it without progress,
    ``with_open`` whether its open windows are compared too.
    """

    run: str | None = None
    frames_file: Path | None = None
    api_url: str = "http://127.0.0.1:6066"
    patience_s: float = 60.0
    with_open: bool = True


async def verify_run(
    request: Request,
    grid: Grid,
    settings: Settings,
    say: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Verify one run; ``say`` is told what is going on.

    Raises
    ------
    BrokerError
        If the broker does not answer.
    DataError
        If there is no such run, or it cannot be used.
    GridstressError
        If the workers do not answer or do not get on.
    """
    invalid: list[str] = []
    # Before the measurements: of a run that has ended by then, all of them are there.
    records = await read_records(settings.kafka)
    if request.frames_file is not None:
        run, frames = read_frames_file(request.frames_file, request.run)
    else:
        run, frames, invalid = await read_frames(settings.kafka, request.run)
    say(f"run {run}: {len(frames)} frames")
    expected = await asyncio.to_thread(recompute, frames, grid, settings)
    notes = [f"not counted: {text}" for text in invalid]
    async with httpx.AsyncClient(timeout=10, headers=authorization(settings.token)) as client:
        api = WorkerApi(client, request.api_url)
        if not request.patience_s:
            notes.append("nobody was waited for")
        elif request.with_open or await api.answers():
            await drain(api, expected, patience_s=request.patience_s, say=say)
            notes += [f"zone {z} has met the idle time-out" for z in await api.silent_zones()]
        else:
            notes.append(f"no worker answers at {api.url}: nobody was waited for")
        observed = await read_results(settings.kafka, run, expected.models, settings.partitions)
        goes_on = request.frames_file is None and await _grown(settings, run, len(frames))
        if goes_on:
            observed = up_to(observed, expected.watermark_s)
            until = "the start" if expected.watermark_s is None else to_iso(expected.watermark_s)
            notes.append(f"the run goes on: verified up to {until}, open windows not compared")
        with_open = request.with_open and not goes_on
        outcomes = compare(expected, observed)
        if with_open:
            outcomes = await _with_open(api, expected, observed, request.patience_s)
        elif not goes_on:
            notes.append("the windows still open were not compared (--no-open)")
    record = records.get(run)
    if request.frames_file is None:
        compare_sent(record, frames, outcomes["measurements"])
    outcomes["measurements"].notes += notes
    return Verification(expected, observed, outcomes, with_open, record)


async def _grown(settings: Settings, run: str, frames: int) -> bool:
    """Whether measurements of the run have come since its ``frames`` were read."""
    _, now, _ = await read_frames(settings.kafka, run)
    return len(now) > frames


async def _with_open(
    api: WorkerApi, expected: Recomputed, observed: Observed, patience_s: float
) -> dict[str, Outcome]:
    """Compare with the open windows, again until they agree or stop changing.

    What a worker shows is published once a second, so it may be a moment behind the topics.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(patience_s, 10.0)
    before: OpenWindows | None = None
    while True:
        open_windows = {m: await api.open_windows(m, expected.run) for m in expected.models}
        if open_windows != before:
            outcomes = compare(expected, observed, open_windows)
            before = open_windows
        disagree = any(
            count in ("open windows missing", "open windows extra", "values differing")
            for outcome in outcomes.values()
            for count in outcome.counts
        )
        if not disagree or loop.time() > deadline:
            return outcomes
        await asyncio.sleep(POLL_S)
