"""The pages' data source: snapshots, and answers to questions of a single page."""

from collections.abc import Sequence
from typing import Protocol

from ui.client.snapshot import Snapshot
from ui.schema.runs import Episodes, History
from ui.schema.system import System
from ui.schema.views import Compare, NodeDetail


class Source(Protocol):
    """Answers about the run and the moment that one browser looks at, from any thread."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""

    def node(self, node_id: str, model: str) -> NodeDetail | None:
        """One node's detail, or None when it is not to be had."""

    def details(self, node_id: str, models: Sequence[str]) -> dict[str, NodeDetail]:
        """One node under several models, without those that are not to be had."""

    def episodes(self) -> Episodes | None:
        """The newest alarm episodes of all models, or None when they are not to be had."""

    def history(self, models: Sequence[str]) -> History | None:
        """How two models have agreed over the run, or None."""

    def compare(self, models: Sequence[str]) -> Compare | None:
        """Two models next to each other now, or None."""

    def system(self) -> System | None:
        """How the workers are, or None."""


class Runs(Protocol):
    """Answers about any run, the newest unless one is named: a started `ui.client.poller.Poller`.

    Each answers as in :class:`Source`.
    """

    def snapshot(self, run: str | None = None) -> Snapshot:
        """The newest snapshot of a run."""

    def node(self, node_id: str, model: str, run: str | None = None) -> NodeDetail | None:
        """One node's detail."""

    def details(
        self, node_id: str, models: Sequence[str], run: str | None = None
    ) -> dict[str, NodeDetail]:
        """One node under several models."""

    def episodes(self, run: str | None = None) -> Episodes | None:
        """The newest alarm episodes of all models."""

    def history(
        self, run: str | None = None, models: Sequence[str] | None = None
    ) -> History | None:
        """How two models have agreed over the run, by default the first."""

    def compare(
        self, run: str | None = None, models: Sequence[str] | None = None
    ) -> Compare | None:
        """Two models next to each other now, by default the first."""

    def system(self) -> System | None:
        """How the workers are."""
