"""What an act is given, and what it gives back."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.cluster import Cluster
from tests.chaos.progress import Progress
from tests.chaos.schedule import Act
from tests.chaos.sending import Sending
from tests.chaos.worker import Hung, Worker

RECOVERY_S = 240.0

Facts = dict[str, Any]
"""JSON-ready; ``finding`` is something that should not be possible, and fails the schedule."""


@dataclass
class Scene:
    """What acts act on.

    Attributes
    ----------
    taken
        Workers that another act is at.
    short_runs
        Runs to be verified besides those of the load.
    remains
        By run: a file with the frames that are left of it after others were lost.
    """

    cluster: Cluster
    progress: Progress
    sending: Sending
    taken: set[int] = field(default_factory=set)
    short_runs: list[str] = field(default_factory=list)
    remains: dict[str, Path] = field(default_factory=dict)

    def victim(self, act: Act) -> Worker:
        """The worker it strikes: one that runs, and that no other act is at, if there is one."""
        running = [w for w in self.cluster.wanted if w.running]
        free = [w for w in running if w.slot not in self.taken] or running
        if not free:
            raise Hung("no worker runs that could be struck")
        chosen = free[act.seed % len(free)]
        self.taken.add(chosen.slot)
        return chosen
