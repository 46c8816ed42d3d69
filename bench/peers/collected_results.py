"""Collect the results that a peer wrote to its topics, after its time was taken.

For peers in Python with an environment of their own: needs confluent-kafka, nothing of gridstress.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from bench.peers.stopwatch import Stopwatch
from bench.peers.task import (
    MEASUREMENTS,
    Outcome,
    Pass,
    Task,
    Windows,
    save_outcome,
    save_seen,
)

SILENCE_S = 10.0
"""Without a record for so long, what is missing has been lost."""
BATCH = 5000
POLL_S = 0.1

Result = dict[str, Any]
"""A record: ``node``, ``end_s``, ``stress``, ``risk``; ``updates`` and ``newest_s`` of the window.

``updates`` says how many stress events are in the sum, ``newest_s`` is the time of the newest.
"""


class CollectedResults:
    """One model's results: the last of each window, and when they were emitted.

    They are read until they have all updates that are expected, or no more come.

    Parameters
    ----------
    counts
        Whether a record is a result, and not the removal of an earlier one.
    """

    def __init__(self, task: Task, model: str, counts: Callable[[Result], bool]) -> None:
        self.ended_s = 0.0
        """When the last one was emitted, epoch s: the timestamp that the producer gave it."""
        self.seen_s: dict[int, float] = {}
        """By event time of a row, when the last result that it caused was emitted, epoch s."""
        self.updates = 0
        """How many updates of windows the results have, all together."""
        self._last: dict[tuple[str, float], Result] = {}
        for result, emitted_s in _records(task, model):
            if counts(result):
                self._add(result, emitted_s)
            if self.updates >= task.updates[model]:
                break

    def _add(self, result: Result, emitted_s: float) -> None:
        window, row = (result["node"], result["end_s"]), int(result["newest_s"])
        before = self._last.get(window)
        self._last[window] = result
        self.updates += result["updates"] - (before["updates"] if before else 0)
        self.ended_s = max(self.ended_s, emitted_s)
        self.seen_s[row] = max(self.seen_s.get(row, 0.0), emitted_s)

    def save(self, task: Task, model: str) -> None:
        """Write the file of this model's windows."""
        windows = Windows(task)
        for (node, end_s), result in self._last.items():
            windows.put(node, end_s, result["stress"])
        windows.save(model)


def report(
    task: Task,
    watch: Stopwatch,
    *,
    began_s: float | None = None,
    counts: Callable[[Result], bool] = lambda _: True,
) -> None:
    """Write all files of a peer that has done its work.

    Parameters
    ----------
    began_s
        When the first record was read, epoch s; the watch's first if None.
    counts
        As of `CollectedResults`.
    """
    results = {model: CollectedResults(task, model, counts) for model in task.reach}
    seen_s: dict[int, float] = {}
    for model, found in results.items():
        found.save(task, model)
        for row, at_s in found.seen_s.items():
            seen_s[row] = max(seen_s.get(row, 0.0), at_s)
    if task.live:
        save_seen(task, seen_s)
    watched = watch.outcome().counted
    counted = {MEASUREMENTS: watched.counts[MEASUREMENTS]}
    counted |= {model: found.updates for model, found in results.items()}
    ended_s = max(found.ended_s for found in results.values())
    save_outcome(task, Outcome([Pass(began_s or watched.began_s, ended_s, counted)]))


def _records(task: Task, model: str) -> Iterator[tuple[Result, float]]:
    """Yield a topic's records and their timestamps in epoch seconds until no more come."""
    topic = task.results_topic(model)
    consumer = Consumer({"bootstrap.servers": task.bootstrap, "group.id": f"{task.name}-results"})
    try:
        partitions = range(task.partitions)
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
        silent_s = 0.0
        while silent_s < SILENCE_S:
            messages = consumer.consume(BATCH, POLL_S)
            silent_s = 0.0 if messages else silent_s + POLL_S
            for message in messages:
                if message.error():
                    raise RuntimeError(f"{topic}: {message.error()}")
                yield json.loads(message.value()), message.timestamp()[1] / 1000
    finally:
        consumer.close()
