"""The registry of a worker's stages, and their counters since its start."""

from collections import Counter
from dataclasses import dataclass, field

from topology.messages import Level, State


@dataclass
class StageCounters:
    """Counts that only grow; what is done again after a failure counts again.

    Attributes
    ----------
    node_measurements
        Loads of one node at one time that detection has read.
    frames
        Frames finished, by stage.
    repeated
        By model, frames whose rows the state knew already.
    skipped_rows
        By model and reason (``late``, ``ahead``, ``forgotten``), rows that were not counted.
    closed
        Windows closed, by stage.
    missing
        By model, sequence numbers that never came.
    alarm_steps
        By model, level and state, steps of alarm episodes.
    """

    node_measurements: int = 0
    frames: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    skipped_rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    alarm_steps: Counter[tuple[str, Level, State]] = field(default_factory=Counter)


@dataclass
class StageRegistry:
    """A worker's stages: what each reads, how far each has come, and what all have done.

    Attributes
    ----------
    sources
        By stage, the topic that it reads.
    finished
        By stage, topic and partition, the offset behind the last record that it has finished.
    """

    counters: StageCounters = field(default_factory=StageCounters)
    sources: dict[str, str] = field(default_factory=dict)
    finished: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def add(self, name: str, source: str) -> None:
        """Take a stage that has done nothing yet."""
        self.sources[name] = source
        self.counters.frames[name] = 0
