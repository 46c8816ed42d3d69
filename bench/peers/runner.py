"""Run one peer in a process of its own and compare its results before its figures count."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import psutil

from bench.harness.process_usage import Samples, watching
from bench.peers import topics
from bench.peers.equality import Verdict, compare
from bench.peers.live import frame_steps, record_steps, send_paced
from bench.peers.material import Material, reach_of, unroll
from bench.peers.programs import PEERS
from bench.peers.task import (
    MEASUREMENTS,
    Outcome,
    Task,
    load_outcome,
    load_seen,
    outcome_file,
    ready_file,
    windows_file,
)
from gridstress.local import processes
from gridstress.logs import quiet_client
from topology.errors import BrokerError, DataError, GridstressError
from topology.messages import Floats

CHECKOUT = Path(__file__).parents[2]
PEER, BROKER = "peer", "broker"
"""Names under which `Samples` has them."""


@dataclass(frozen=True)
class Place:
    """Where peers are run.

    Parameters
    ----------
    grid_name, grid_file
        The grid: its name in the report, and a file of our JSON.
    bootstrap
        Address of the broker.
    broker
        Its process; None if it is not ours.
    limit_s
        When a peer is given up, from its start on.
    """

    grid_name: str
    grid_file: Path
    bootstrap: str
    broker: psutil.Process | None = None
    limit_s: float = 300.0


@dataclass(frozen=True)
class Run:
    """What was seen of a peer that has ended.

    Attributes
    ----------
    started_s
        When its process was started, epoch s.
    samples
        Of the processes ``PEER``, with all that it has started, and ``BROKER``.
    sent_s, seen_s
        Of a live run, by event time of a row: when its last record was sent and when its last
        result was available, epoch s.
    log
        What it said; there is a file of it if the run is not equal.
    """

    peer: str
    place: Place
    material: Material
    started_s: float
    outcome: Outcome
    samples: Samples
    verdict: Verdict
    sent_s: Mapping[int, float]
    seen_s: Mapping[int, float]
    log: Path

    @property
    def lost(self) -> Mapping[str, int]:
        """By what was counted otherwise than expected, how many too few (< 0) or too many (> 0)."""
        counts = self.outcome.counted.counts
        expected = {MEASUREMENTS: self.material.measurements, **self.material.updates}
        off = {what: counts.get(what, count) - count for what, count in expected.items()}
        return {what: count for what, count in off.items() if count}

    @property
    def equal(self) -> bool:
        """Whether all windows are right, and nothing was lost or counted twice."""
        return self.verdict.equal and not self.lost


def run_peer(name: str, place: Place, material: Material, rows_per_s: float | None = None) -> Run:
    """Run one peer.

    Parameters
    ----------
    name
        One of ``PEERS``.
    rows_per_s
        Pace at which the measurements are sent while it runs; all of them beforehand if None.

    Raises
    ------
    GridstressError
        If it ends or is given up without results, or leaves some that cannot be read; names
        its log. If the broker fails.
    """
    command = PEERS[name].command()
    directory = Path(tempfile.mkdtemp(prefix=f"gridstress-{name}-"))
    equal = False
    try:
        run = _run(name, command, place, material, directory, rows_per_s)
        equal = run.equal
    finally:
        _tidy(directory, keep_log=not equal)
    return run


def _run(
    name: str,
    command: Sequence[str],
    place: Place,
    material: Material,
    directory: Path,
    rows_per_s: float | None,
) -> Run:
    peer, live = PEERS[name], rows_per_s is not None
    task = task_for(name, place, material, directory, live=live)
    with _broker_errors(place):
        asyncio.run(_prepare(task, material))
    spec = processes.ServiceSpec(
        name=name,
        command=[*command, str(directory / "task.json")],
        ready=(ready_file if live else outcome_file)(task).exists,
        environment={"PYTHONPATH": str(CHECKOUT)},
        directory=peer.directory or directory,
    )
    started_s, sent_s = time.time(), {}
    with _started(spec, place, directory) as (wait, samples):
        wait(spec.ready)
        if rows_per_s is not None:
            with _broker_errors(place):
                sent_s = asyncio.run(_send(task, material, rows_per_s))
            wait(outcome_file(task).exists)
    log = directory / f"{name}.log"
    try:
        outcome, verdict = load_outcome(task), _compare(task, material)
        seen_s = load_seen(task) if live else {}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"{name} left results that cannot be read: {type(error).__name__}: {error}",
            hint=f"see {log}",
        ) from error
    return Run(name, place, material, started_s, outcome, samples, verdict, sent_s, seen_s, log)


def _tidy(directory: Path, *, keep_log: bool) -> None:
    """Remove what a run has left, except for its log and its task if they are to be kept."""
    kept = {*directory.glob("*.log"), directory / "task.json"} if keep_log else set()
    for one in directory.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        elif one not in kept:
            one.unlink()
    if not any(directory.iterdir()):
        directory.rmdir()


@contextmanager
def _broker_errors(place: Place) -> Iterator[None]:
    """Raise BrokerError for an error of the client."""
    from aiokafka.errors import KafkaError

    try:
        yield
    except KafkaError as error:
        raise BrokerError(
            f"Kafka at {place.bootstrap}: {error}", hint="look at the broker's log, and try again"
        ) from error


def task_for(
    name: str, place: Place, material: Material, directory: Path, *, live: bool = False
) -> Task:
    """Write down what a peer has to do; its name and topics are new each time."""
    grid, settings, ends_s = material.grid, material.settings, material.recomputed.ends_s
    unique = f"peers-{name}-{uuid4().hex[:8]}"
    return Task(
        bootstrap=place.bootstrap,
        name=unique,
        source=f"{unique}-measurements",
        directory=str(directory),
        partitions=settings.partitions,
        grid=str(place.grid_file),
        nodes=list(grid.ids),
        ratings_mw=grid.ratings_mw.tolist(),
        threshold=settings.stress_threshold,
        period_s=material.frames[0].period_s,
        size_s=settings.size_s,
        step_s=settings.step_s,
        reach={m: reach_of(matrix, grid.ids) for m, matrix in material.influences.items()},
        measurements=material.measurements,
        updates=dict(material.updates),
        first_end_s=int(ends_s[0]),
        windows=len(ends_s),
        frames=PEERS[name].frames,
        passes=1 if live else PEERS[name].passes,
        live=live,
    )


async def _prepare(task: Task, material: Material) -> None:
    """Write the task, make the topics and, unless it is a live run, fill the source."""
    task.save(Path(task.directory) / "task.json")
    names = [task.source, task.stress_topic]
    for model in task.reach:
        names += [task.propagated_topic(model), task.results_topic(model)]
    settings = dict.fromkeys(names, topics.KEPT)
    if not task.frames:
        for model in task.reach:
            # Faust would make it while it joins the group, and might not see it in time.
            settings[f"{task.name}-risk-{model}-changelog"] = topics.COMPACTED
    quiet_client()  # a new topic's leader may take a moment, the client waits for it
    await topics.make_topics(task.bootstrap, settings, task.partitions)
    if not task.live:
        records = (
            topics.frame_records(material.frames, task.partitions)
            if task.frames
            else topics.measurement_records(unroll(material.frames))
        )
        await topics.fill(task.bootstrap, task.source, records)


async def _send(task: Task, material: Material, rows_per_s: float) -> dict[int, float]:
    steps = frame_steps(material, task.partitions) if task.frames else record_steps(material)
    return await send_paced(task.bootstrap, task.source, task.partitions, steps, rows_per_s)


@contextmanager
def _started(
    spec: processes.ServiceSpec, place: Place, directory: Path
) -> Iterator[tuple[Callable[[Callable[[], bool]], None], Samples]]:
    """Run a peer for the length of a ``with`` block; a function that waits, and what it uses."""
    service = processes.spawn(spec, directory)
    deadline = time.monotonic() + place.limit_s

    def wait(until: Callable[[], bool]) -> None:
        try:
            processes.wait_until_healthy(replace(spec, ready=until), service, deadline)
        except GridstressError:
            if not until():  # it may have ended just after
                raise

    watched = {PEER: service.process(), BROKER: place.broker}
    alive = {name: process for name, process in watched.items() if process}
    try:
        with watching(alive, trees={PEER}) as samples:
            yield wait, samples
    finally:
        processes.stop(service)


def _compare(task: Task, material: Material) -> Verdict:
    recomputed, closed = material.recomputed, material.recomputed.closed
    expected = {model: result.stress[:closed] for model, result in recomputed.models.items()}
    found = {model: _windows(task, model)[:closed] for model in expected}
    return compare(expected, found, material.grid.ids, recomputed.ends_s[:closed])


def _windows(task: Task, model: str) -> Floats:
    values = np.fromfile(windows_file(task, model), dtype=np.float64)
    return values.reshape(task.windows, len(task.nodes))
