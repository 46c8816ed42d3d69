"""Run one peer in a process of its own and compare its results before its time counts."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from bench.harness.brokers import running
from bench.peers import topics
from bench.peers.equality import Verdict, compare
from bench.peers.material import Material, reach_of, unroll
from bench.peers.quix.environment import quix_python
from bench.peers.task import MEASUREMENTS, Outcome, Task, load_outcome, outcome_file, windows_file
from gridstress.local import processes
from gridstress.logs import quiet_client
from topology.clock import to_iso
from topology.errors import GridstressError
from topology.messages import Floats

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Peer:
    """One way to do the work.

    Parameters
    ----------
    module
        Run with a task as its only argument.
    unrolled
        Whether it reads a record a node instead of frames.
    python
        The interpreter it runs with; may be made at the first call.
    """

    module: str
    unrolled: bool
    python: Callable[[], str] = lambda: sys.executable


PEERS: Mapping[str, Peer] = {
    "faust": Peer("bench.peers.per_record_faust", unrolled=True),
    "quix": Peer("bench.peers.quix.per_record_quix", unrolled=True, python=quix_python),
    "plain": Peer("bench.peers.plain_loop", unrolled=False),
}


def run_peer(
    name: str, grid_name: str, grid_file: Path, material: Material, bootstrap: str, limit_s: float
) -> dict[str, Any]:
    """Run one peer and return its line of the report.

    Parameters
    ----------
    name
        One of ``PEERS``.
    limit_s
        When it is given up, from its start on.

    Raises
    ------
    GridstressError
        If it ends or is given up without results; names its log.
    """
    peer = PEERS[name]
    python = peer.python()
    directory = Path(tempfile.mkdtemp(prefix=f"gridstress-{name}-"))
    task = task_for(name, grid_file, material, bootstrap, directory)
    asyncio.run(_prepare(task, peer, material))
    outcome = _run(name, [python, "-m", peer.module], task, limit_s)
    verdict = _compare(task, material)
    shutil.rmtree(directory)  # after a failure its log stays
    return line(name, grid_name, material, outcome, verdict)


def task_for(
    name: str, grid_file: Path, material: Material, bootstrap: str, directory: Path
) -> Task:
    """Write down what a peer has to do; its name and topics are new each time."""
    grid, settings, ends_s = material.grid, material.settings, material.recomputed.ends_s
    unique = f"peers-{name}-{uuid4().hex[:8]}"
    return Task(
        bootstrap=bootstrap,
        name=unique,
        source=f"{unique}-measurements",
        directory=str(directory),
        partitions=settings.partitions,
        grid=str(grid_file),
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
    )


async def _prepare(task: Task, peer: Peer, material: Material) -> None:
    names: dict[str, Mapping[str, str]] = {task.source: topics.KEPT}
    if peer.unrolled:
        names[task.stress_topic] = topics.KEPT
        for model in task.reach:
            names[task.propagated_topic(model)] = topics.KEPT
            # Faust would make it while it joins the group, and might not see it in time.
            names[f"{task.name}-risk-{model}-changelog"] = topics.COMPACTED
    quiet_client()  # a new topic's leader may take a moment, the client waits for it
    await topics.make_topics(task.bootstrap, names, task.partitions)
    if peer.unrolled:
        records = topics.measurement_records(unroll(material.frames))
    else:
        records = topics.frame_records(material.frames, task.partitions)
    await topics.fill(task.bootstrap, task.source, records)


def _run(name: str, command: list[str], task: Task, limit_s: float) -> Outcome:
    file = Path(task.directory) / "task.json"
    task.save(file)
    spec = processes.ServiceSpec(
        name=name,
        command=[*command, str(file)],
        ready=outcome_file(task).exists,
        environment={"PYTHONPATH": str(CHECKOUT)},
        directory=Path(task.directory),
        may_end=True,
    )
    with running(spec, Path(task.directory), limit_s) as service:
        if not outcome_file(task).exists():
            raise GridstressError(
                f"{name} ended without results: {processes.error_line(Path(service.log))}",
                hint=f"see {service.log}",
            )
        return load_outcome(task)


def _compare(task: Task, material: Material) -> Verdict:
    recomputed, closed = material.recomputed, material.recomputed.closed
    expected = {model: result.stress[:closed] for model, result in recomputed.models.items()}
    found = {model: _windows(task, model)[:closed] for model in expected}
    return compare(expected, found, material.grid.ids, recomputed.ends_s[:closed])


def _windows(task: Task, model: str) -> Floats:
    values = np.fromfile(windows_file(task, model), dtype=np.float64)
    return values.reshape(task.windows, len(task.nodes))


def line(
    name: str, grid_name: str, material: Material, outcome: Outcome, verdict: Verdict
) -> dict[str, Any]:
    """One peer's line of the report: its rate, and whether its results were equal."""
    lost = {
        what: outcome.counts[what] - expected
        for what, expected in {MEASUREMENTS: material.measurements, **material.updates}.items()
        if outcome.counts.get(what, expected) != expected
    }
    notes = [f"{count:+,} {what} against what was expected" for what, count in lost.items()]
    notes += [verdict.first] if verdict.first else []
    return {
        "peer": name,
        "grid": grid_name,
        "nodes": len(material.grid.nodes),
        "rows": material.rows,
        "start": to_iso(material.start_s),
        "node_measurements": material.measurements,
        "updates": sum(material.updates.values()),
        "seconds": outcome.seconds,
        "node_measurements_per_s": material.measurements / outcome.seconds,
        "cpu_s": outcome.cpu_s,
        "equal": verdict.equal,
        "compared": verdict.compared,
        "different": verdict.different,
        "notes": notes,
    }
