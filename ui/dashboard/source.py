"""What the pages need of the outside: snapshots and one node's detail."""

from typing import Protocol

from ui.poller import Snapshot
from ui.replies import NodeDetail


class Source(Protocol):
    """Answers at once, from any thread; a :class:`ui.poller.Poller` is one."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""

    def node(self, node_id: str, model: str) -> NodeDetail | None:
        """One node's detail, or None when it is not to be had."""
