"""How the models have agreed, window by window, over the runs so far.

Whether somebody looks is not known when a window comes, and to compare the order of thousands of
nodes takes longer than all else that is done with it. So the risks are kept, and compared when
somebody asks.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from topology.messages import Floats, RiskWindow
from ui.agreement import rank_correlation, top_overlap

TOP_K = 10
MAX_POINTS = 10_000
MAX_PENDING = 2_000
MAX_BYTES = 16 << 20
"""Of a run's risks that nobody has asked to compare yet; beyond it the oldest are dropped, and
their windows have no agreement."""
MAX_RUNS = 16
"""Windows may come after the word that their run is forgotten, from another topic."""
COMPARING_S = 0.1
"""How long one question may compare; the next one goes on."""


@dataclass(frozen=True, slots=True)
class Point:
    """One window: agreement of the first two models, and each model's averages.

    Agreement is None where there is none, or it has not been worked out.
    """

    end_s: float
    top_k_overlap: float | None
    rank_correlation: float | None
    average_risk: dict[str, float]
    alarms: dict[str, int]


@dataclass(slots=True)
class _Whole:
    """Risks of all nodes in one window as its parts come; ``risk`` has shape (models, nodes)."""

    risk: Floats
    parts: set[tuple[int, int]] = field(default_factory=set)


@dataclass(slots=True)
class _Run:
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=MAX_POINTS))
    risks: deque[Floats | None] = field(default_factory=lambda: deque(maxlen=MAX_POINTS))
    """Beside each point, what is to be compared."""
    last_s: float = float("-inf")


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
        self._pending: OrderedDict[tuple[str, float], _Whole] = OrderedDict()
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        self._room = MAX_BYTES // (8 * len(self._models) * max(1, len(index)))

    def add(self, window: RiskWindow) -> None:
        """Take a final window of one shard; one that was sent again changes nothing."""
        end_s = window.window_end.timestamp()
        run = self._runs.get(window.run)
        if run is not None and end_s <= run.last_s:
            return
        key = (window.run, end_s)
        whole = self._pending.get(key)
        if whole is None:
            whole = _Whole(np.zeros((len(self._models), len(self._index))))
            self._pending[key] = whole
        model = self._models.index(window.model)
        whole.risk[model, [self._index[node] for node in window.nodes]] = window.risk
        whole.parts.add((model, window.shard))
        if len(whole.parts) == len(self._models) * self._shards:
            self._keep(self._runs.setdefault(window.run, _Run()), end_s, whole.risk)
            self._runs.move_to_end(window.run)
            if len(self._runs) > MAX_RUNS:
                self._runs.popitem(last=False)
            del self._pending[key]
        elif len(self._pending) > min(MAX_PENDING, self._room):
            self._pending.popitem(last=False)

    def points(self, run: str) -> list[Point]:
        """The points of a run, oldest first; compares some more of them, the newest first."""
        known = self._runs.get(run)
        if known is None:
            return []
        until = time.monotonic() + COMPARING_S
        waiting = [(i, risk) for i, risk in enumerate(known.risks) if risk is not None]
        for i, risk in reversed(waiting):
            if time.monotonic() > until:
                break
            known.points[i] = replace(
                known.points[i],
                top_k_overlap=top_overlap(risk[0], risk[-1], TOP_K),
                rank_correlation=rank_correlation(risk[0], risk[-1]),
            )
            known.risks[i] = None
        return list(known.points)

    def forget(self, run: str) -> None:
        """Drop a run."""
        self._runs.pop(run, None)

    def _keep(self, run: _Run, end_s: float, risk: Floats) -> None:
        average = dict(zip(self._models, risk.mean(axis=1).tolist(), strict=True))
        alarms = dict(zip(self._models, (risk >= self._warning).sum(axis=1).tolist(), strict=True))
        run.points.append(Point(end_s, None, None, average, alarms))
        run.risks.append(risk)
        run.last_s = end_s
        if len(run.risks) > self._room:
            run.risks[-self._room - 1] = None
