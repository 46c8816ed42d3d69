"""Run a peer's engine that cannot be stopped from outside.

For peers in Python with an environment of their own: needs confluent-kafka, nothing of gridstress.
"""

import os
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import NoReturn

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from bench.peers.stopwatch import STALL_S, Stopwatch
from bench.peers.task import Task, ready_file

WATCH_S = 0.05
ASSIGNED_S = 60.0
FINDING = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
"""What a broker says until a new group has its coordinator."""


def run_and_exit(work: Callable[[], None]) -> NoReturn:
    """Run a peer's work and end the process, although its engine goes on.

    The exit code is 1, and the error the last thing on standard error, if it fails.
    """
    code = 0
    try:
        work()
    except Exception:  # noqa: BLE001  every error ends the process, with its traceback
        traceback.print_exc()
        code = 1
    os._exit(code)


def run_until_counted(
    engine: Callable[[], None], watch: Stopwatch, started: Callable[[], None] = lambda: None
) -> None:
    """Run an engine in a thread until everything has been counted, or nothing more comes.

    It goes on when this returns or fails: the process has to end by `run_and_exit`.

    Parameters
    ----------
    started
        Called when the thread has been started.

    Raises
    ------
    Exception
        What the engine raises; RuntimeError if it ends by itself.
    """
    running = ThreadPoolExecutor(1).submit(engine)
    started()
    while not watch.finished and watch.silent_s < STALL_S:
        wait([running], WATCH_S)
        if running.done():
            running.result()
            raise RuntimeError("the engine has ended before everything was counted")


def report_assigned(task: Task) -> None:
    """Write the file that says "ready" when the consumer group has all partitions of the source.

    Raises
    ------
    TimeoutError
        If it does not get them.
    confluent_kafka.KafkaException
        If the broker does not describe the group.
    """
    admin = AdminClient({"bootstrap.servers": task.bootstrap})
    deadline = time.monotonic() + ASSIGNED_S
    assigned = 0
    while assigned < task.partitions:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{assigned} of {task.partitions} partitions are assigned")
        try:
            group = admin.describe_consumer_groups([task.name])[task.name].result()
        except KafkaException as error:
            if error.args[0].code() not in FINDING:
                raise
        else:
            assigned = sum(len(m.assignment.topic_partitions) for m in group.members)
    ready_file(task).touch()
