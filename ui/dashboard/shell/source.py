"""The pages' data source: snapshots, and answers to questions of a single page."""

from collections.abc import Sequence
from typing import Protocol

from ui.client.snapshot import Snapshot
from ui.client.strips import Strip
from ui.schema.runs import Episodes, History
from ui.schema.system import System
from ui.schema.views import Compare, GridState, NodeDetail


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

    def history(self, models: Sequence[str], beside: str | None = None) -> History | None:
        """How two models have agreed over the run, or the run and another one, or None."""

    def compare(self, models: Sequence[str]) -> Compare | None:
        """Two models next to each other now, or None."""

    def beside(self, run: str, other: str, models: Sequence[str], at: str) -> Compare | str | None:
        """A run at a moment next to another one, each under its model; or why that cannot be."""

    def state_of(self, run: str, model: str, at: str) -> GridState | None:
        """A model of any run at a moment of its own, or None."""

    def episodes_of(self, run: str, model: str, at: str) -> Episodes | None:
        """The newest alarm episodes of any run under a model up to a moment, or None."""

    def strip(self, model: str) -> Strip | None:
        """The run's strip under a model as far as it is known; sends no request."""

    def system(self) -> System | None:
        """How the workers are, or None."""
