"""What the pages need of the outside: snapshots, and answers to what they ask for themselves."""

from typing import Protocol

from ui.poller import Snapshot
from ui.replies import Compare, NodeDetail
from ui.replies_more import Episodes, History, System


class Source(Protocol):
    """Answers at once, from any thread; a :class:`ui.poller.Poller` is one."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""

    def node(self, node_id: str, model: str) -> NodeDetail | None:
        """One node's detail, or None when it is not to be had."""

    def episodes(self, limit: int = 500) -> Episodes | None:
        """The newest alarm episodes of all models, or None when they are not to be had."""

    def history(self) -> History | None:
        """How the models have agreed over the run, or None."""

    def compare(self, k: int = 10) -> Compare | None:
        """The models next to each other now, or None."""

    def system(self) -> System | None:
        """How the workers are, or None."""
