"""How the models have agreed, window by window, over the runs so far."""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from topology.messages import Floats, RiskWindow
from ui.agreement import rank_correlation, top_overlap

TOP_K = 10
MAX_POINTS = 10_000
MAX_PENDING = 2_000


@dataclass(frozen=True, slots=True)
class Point:
    """One window: agreement of the first two models, and each model's averages."""

    end_s: float
    top_k_overlap: float | None
    rank_correlation: float | None
    average_risk: dict[str, float]
    alarms: dict[str, int]


class History:
    """Collects the final windows of all shards and models until a window is whole.

    Parameters
    ----------
    index
        Position of each node in the grid.
    models
        Their names; the first two are compared.
    shards
        How many there are.
    warning
        Risk from which on a node counts in ``alarms``.
    """

    def __init__(
        self, index: Mapping[str, int], models: Sequence[str], shards: int, warning: float
    ) -> None:
        self._index, self._models, self._shards = index, list(models), shards
        self._warning = warning
        self._pending: OrderedDict[tuple[str, float], dict[tuple[str, int], RiskWindow]] = (
            OrderedDict()
        )
        self._points: dict[str, deque[Point]] = {}
        self._last_s: dict[str, float] = {}

    def add(self, window: RiskWindow) -> None:
        """Take a final window of one shard; one that was sent again changes nothing."""
        end_s = window.window_end.timestamp()
        if end_s <= self._last_s.get(window.run, float("-inf")):
            return
        key = (window.run, end_s)
        parts = self._pending.setdefault(key, {})
        parts[window.model, window.shard] = window
        if len(parts) == len(self._models) * self._shards:
            points = self._points.setdefault(window.run, deque(maxlen=MAX_POINTS))
            points.append(self._point(end_s, list(parts.values())))
            self._last_s[window.run] = end_s
            del self._pending[key]
        elif len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)

    def points(self, run: str) -> list[Point]:
        """The points of a run, oldest first."""
        return list(self._points.get(run, ()))

    def forget(self, run: str) -> None:
        """Drop a run."""
        self._points.pop(run, None)

    def _point(self, end_s: float, parts: Sequence[RiskWindow]) -> Point:
        risks = {model: self._risk(model, parts) for model in self._models}
        one, other = risks[self._models[0]], risks[self._models[-1]]
        return Point(
            end_s,
            top_overlap(one, other, TOP_K),
            rank_correlation(one, other),
            {model: float(risk.mean()) for model, risk in risks.items()},
            {model: int((risk >= self._warning).sum()) for model, risk in risks.items()},
        )

    def _risk(self, model: str, parts: Sequence[RiskWindow]) -> Floats:
        risk = np.zeros(len(self._index))
        for part in parts:
            if part.model == model:
                risk[[self._index[node] for node in part.nodes]] = part.risk
        return risk
