"""The peers: which there are, and how each of them is started."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.peers.environment import python_of
from bench.peers.java_programs import HOME as JAVA_HOME
from bench.peers.java_programs import java_command
from bench.peers.java_programs import missing as java_missing

WARM_PASSES = 5
"""How often a JVM may do the work in one process, until its times no longer change."""


@dataclass(frozen=True)
class Peer:
    """One way to do the work.

    Parameters
    ----------
    command
        Gives the words that start it, to which the task's file is added; installs or builds it
        at the first call.
    sources
        Files of its program, relative to this folder; code that the peers share is not named.
    rows
        Hours of a run that reads a record a node, some seconds of work. None if it reads
        measurement frames: as many then as of gridstress.
    passes
        As of `bench.peers.task.Task`.
    directory
        Where it runs; beside its task if None.
    missing
        What is missing here to run it, in words; empty if nothing is.
    """

    command: Callable[[], list[str]]
    sources: tuple[str, ...]
    rows: int | None = None
    passes: int = 1
    directory: Path | None = None
    missing: Callable[[], str] = str

    @property
    def frames(self) -> bool:
        """Whether it reads measurement frames instead of a record a node."""
        return self.rows is None

    @property
    def form(self) -> str:
        """What it reads, in words."""
        return "frames" if self.frames else "a record a node"


def _python(module: str, rows: int | None = None, environment: str | None = None) -> Peer:
    """A module of this package, run by our interpreter or by one with its own packages."""

    def command() -> list[str]:
        python = python_of(environment) if environment else sys.executable
        return [python, "-m", f"bench.peers.{module}"]

    return Peer(command, (f"{module.replace('.', '/')}.py",), rows)


def _java(module: str, main: str, *others: str, rows: int | None = None) -> Peer:
    """A main class of a module of the Maven project; ``others`` are classes of its program."""
    package = "src/main/java/gridstress"
    sources = [f"jvm/{module}/{package}/{name}.java" for name in (main, *others)]
    if rows is None:
        shared = ("StressFrame", "Influence", "RiskFrame")
        sources += [f"jvm/task/{package}/{name}.java" for name in shared]
    return Peer(
        command=partial(java_command, module, main),
        sources=tuple(sources),
        rows=rows,
        passes=WARM_PASSES,
        directory=JAVA_HOME,
        missing=java_missing,
    )


PEERS: Mapping[str, Peer] = {
    "faust": _python("per_record_faust", rows=48),
    "quix": _python("quix.per_record_quix", rows=144, environment="quix"),
    "kafka-streams": _java("kafka-streams", "KafkaStreamsRecords", "JsonSerde", rows=480),
    "flink": _java("flink", "FlinkRecords", "FlinkJob", rows=480),
    "pathway": _python("pathway.per_record_pathway", rows=144, environment="pathway"),
    "bytewax": _python("bytewax.per_record_bytewax", rows=144, environment="bytewax"),
    "kafka-streams-frames": _java(
        "kafka-streams", "KafkaStreamsFrames", "ShardWindows", "JsonSerde"
    ),
    "flink-frames": _java("flink", "FlinkFrames", "ShardWindows", "ZoneWatermarks", "FlinkJob"),
    "plain": _python("plain_loop"),
}
"""By name, in the order they are measured."""
