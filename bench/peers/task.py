"""A peer's input and output as files; standard library only.

Some peers have a virtual environment of their own, without NumPy and without gridstress; others
are written in Java and read and write the same files.
"""

import json
from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MEASUREMENTS = "measurements"
"""Under this name measurements are counted, beside the updates of each model."""

Reach = dict[str, list[tuple[str, float]]]
"""By node, the nodes its stress reaches and the influence on each, itself included."""


@dataclass(frozen=True)
class Task:
    """One peer's work.

    Attributes
    ----------
    bootstrap
        Address of the broker, ``host:port``.
    name
        Unique to this run: consumer group, and the beginning of every topic's name.
    source
        The topic that is read.
    directory
        Where the peer keeps its state and leaves its results.
    partitions
        Of every topic.
    grid
        The grid, as a file of our JSON.
    nodes
        Node ids, in the grid's order.
    ratings_mw
        Rating of each of them.
    threshold, period_s, size_s, step_s
        As in the settings of gridstress; a measurement stands for ``period_s`` seconds.
    reach
        By model.
    measurements
        How many there are, a node and time each.
    updates
        By model, how often a window is changed, if a message a reached node changes every window
        that it lies in.
    first_end_s, windows
        End of the first window that has a measurement, and how many windows there are.
    frames
        Whether the source has measurement frames, each zone's in one partition; else it has a
        record a node and time.
    passes
        How often the work may be done in one process, so that a JVM is warm; the last one counts.
    live
        Whether the source is written while the peer runs, at a steady pace; else it is complete
        when the peer starts.
    """

    bootstrap: str
    name: str
    source: str
    directory: str
    partitions: int
    grid: str
    nodes: list[str]
    ratings_mw: list[float]
    threshold: float
    period_s: int
    size_s: int
    step_s: int
    reach: dict[str, Reach]
    measurements: int
    updates: dict[str, int]
    first_end_s: int
    windows: int
    frames: bool
    passes: int = 1
    live: bool = False

    @property
    def stress_topic(self) -> str:
        """Topic of stress events."""
        return f"{self.name}-stress"

    def propagated_topic(self, model: str) -> str:
        """Topic of one model's propagated stress."""
        return f"{self.name}-propagated-{model}"

    def results_topic(self, model: str) -> str:
        """Topic of one model's results: node, end of the window, stress, risk."""
        return f"{self.name}-results-{model}"

    @property
    def windows_per_message(self) -> int:
        """How many windows a time lies in."""
        return self.size_s // self.step_s

    @property
    def rating_of(self) -> dict[str, float]:
        """Rating of each node, MW."""
        return dict(zip(self.nodes, self.ratings_mw, strict=True))

    def stress(self, load_mw: float, rating_mw: float) -> float:
        """Stress-hours of one measurement, as `agents.detection.stress_of` has them."""
        excess = (load_mw / rating_mw - self.threshold) / (1.0 - self.threshold)
        return max(0.0, excess) * (self.period_s / 3600)

    def save(self, path: Path) -> None:
        """Write the task to a file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Task":
        """Read a task from a file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Pass:
    """The whole work, done once.

    Attributes
    ----------
    began_s, ended_s
        Epoch seconds of the first record and of the last result, from when on that is available
        by the peer's own guarantee: committed if it is exactly-once, else emitted.
    counts
        How many measurements and, by model, updates of windows there were; may be empty.
    """

    began_s: float
    ended_s: float
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended_s - self.began_s


@dataclass(frozen=True)
class Outcome:
    """What a peer reports: its passes, at least one, in their order."""

    passes: list[Pass]

    @property
    def counted(self) -> Pass:
        """The last pass, which counts."""
        return self.passes[-1]


class Windows:
    """Stress by window and node of one model, as 8-byte floats in a file."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._column = {node: i for i, node in enumerate(task.nodes)}
        self._values = array("d", bytes(8 * task.windows * len(task.nodes)))

    def put(self, node: str, end_s: float, stress: float) -> None:
        """Set the stress of a node in the window that ends at ``end_s``."""
        row = round((end_s - self._task.first_end_s) / self._task.step_s)
        if not 0 <= row < self._task.windows:
            raise ValueError(f"no measurement lies in the window of {node} that ends at {end_s}")
        self._values[row * len(self._task.nodes) + self._column[node]] = stress

    def save(self, model: str) -> None:
        """Write the file of this model."""
        with windows_file(self._task, model).open("wb") as file:
            self._values.tofile(file)


def windows_file(task: Task, model: str) -> Path:
    """File with one model's windows, shape (windows, nodes), row by row."""
    return Path(task.directory) / f"{model}.f64"


def outcome_file(task: Task) -> Path:
    """The file that a peer writes when it has finished."""
    return Path(task.directory) / "outcome.json"


def ready_file(task: Task) -> Path:
    """The empty file that a peer writes in a live run when it waits for input."""
    return Path(task.directory) / "ready"


def seen_file(task: Task) -> Path:
    """The file of a live run that says when the results were there."""
    return Path(task.directory) / "seen.json"


def save_outcome(task: Task, outcome: Outcome) -> None:
    """Write the last file of a peer, after its windows."""
    _write(outcome_file(task), asdict(outcome))


def load_outcome(task: Task) -> Outcome:
    """Read a peer's report."""
    found = json.loads(outcome_file(task).read_text(encoding="utf-8"))
    return Outcome([Pass(**one) for one in found["passes"]])


def save_seen(task: Task, seen_s: Mapping[int, float]) -> None:
    """Write, in a live run, by event time of a row when its last result was available, epoch s."""
    _write(seen_file(task), seen_s)


def load_seen(task: Task) -> dict[int, float]:
    """Read what `save_seen` wrote."""
    found = json.loads(seen_file(task).read_text(encoding="utf-8"))
    return {int(time_s): seen_s for time_s, seen_s in found.items()}


def _write(file: Path, content: Any) -> None:
    # Written beside and moved: who waits for it never reads half of it.
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(file)
