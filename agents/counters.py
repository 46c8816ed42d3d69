"""What a worker's stages have done since it started, counted where it is done."""

from collections import Counter
from dataclasses import dataclass, field

from topology.messages import Level, State


@dataclass
class Tally:
    """Counts that only grow; what is done again after a failure counts again.

    Attributes
    ----------
    node_measurements
        Loads of one node at one time that detection has read.
    frames
        Frames finished, by stage.
    repeated
        By model, frames whose rows the state knew already.
    aside
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
    aside: Counter[tuple[str, str]] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    alarm_steps: Counter[tuple[str, Level, State]] = field(default_factory=Counter)
