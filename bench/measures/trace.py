"""Where the time of a row goes: from the timestamps of the records that it leads to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.measures.applied_times import Progress, applied_ms
from bench.measures.frame_rows import Zone, scan_rows
from bench.results.stats import percentile
from gridstress.kafka import topics
from gridstress.settings import Settings
from topology.messages import Floats, PropagatedFrame, StressFrame, ZoneFrame

STEPS = (
    "sent to stress record",
    "stress to propagated record",
    "propagated record to changelog",
)
"""The way of a row, in order."""

SeqTimes = dict[Zone, dict[int, int]]
"""By zone and sequence number, a time in ms."""


@dataclass(frozen=True)
class Step:
    """How long rows took for one step of their way, ms."""

    name: str
    p50_ms: float
    p99_ms: float


async def trace(
    settings: Settings,
    sent: Mapping[Zone, Sequence[tuple[int, int]]],
    progress: Progress,
    parts: int,
) -> list[Step]:
    """Divide the latency of the rows that were sent into its steps.

    A row has passed a stage when the last of the records is written that it leads to, in all
    models and shards.

    Parameters
    ----------
    sent
        By zone, (sequence number, ms at which the producer was given it), of one run or more.
    progress
        What the changelogs say.
    parts
        Number of shards, all models together.

    Raises
    ------
    MessageError
        If a stage has written something else than frames.
    GridstressError
        If a row was not applied.
    """
    stress: SeqTimes = defaultdict(dict)
    propagated: SeqTimes = defaultdict(dict)
    await _note_latest(stress, settings, topics.STRESS, StressFrame)
    for model in settings.model_names:
        await _note_latest(propagated, settings, topics.propagated(model), PropagatedFrame)
    applied: SeqTimes = {}
    for zone, rows in sent.items():
        seqs = [seq for seq, _ in rows]
        done = applied_ms(progress.steps[zone], seqs, parts)
        applied[zone] = dict(zip(seqs, done.tolist(), strict=True))
    return divide(sent, stress, propagated, applied)


def divide(
    sent: Mapping[Zone, Sequence[tuple[int, int]]],
    stress: SeqTimes,
    propagated: SeqTimes,
    applied: SeqTimes,
) -> list[Step]:
    """Median and 99th percentile of each step over all rows that were sent."""
    times: Floats = np.array(
        [
            (at_ms, stress[zone][seq], propagated[zone][seq], applied[zone][seq])
            for zone, rows in sent.items()
            for seq, at_ms in rows
        ],
        float,
    )
    took = np.diff(times, axis=1).T  # (steps, rows)
    return [
        Step(name, percentile(values, 0.5), percentile(values, 0.99))
        for name, values in zip(STEPS, took.tolist(), strict=True)
    ]


async def _note_latest(
    times: SeqTimes, settings: Settings, topic: str, kind: type[ZoneFrame]
) -> None:
    async for zone, seqs, at_ms in scan_rows(settings, topic, kind):
        known = times[zone]
        for seq in seqs:
            known[seq] = max(at_ms, known.get(seq, at_ms))
