"""The history of the models' agreement, window by window, by run.

Whether anyone looks is not known when a window comes, and to read all of it and to compare the
order of thousands of nodes takes longer than all else that is done with it. So of each window the
risks are summed up, and the rest is kept as it came and compared when it is asked for.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from topology.agreement import Agreement, agreement
from topology.codec import decode
from topology.errors import MessageError
from topology.messages import Floats, RiskWindow, WindowHead

log = logging.getLogger(__name__)

TOP_K = 10
MAX_POINTS = 20_000
"""Of all runs together: two years of hours. Beyond it the run that moved longest ago loses its
oldest, and so with all that is bounded here."""
MAX_BYTES = 16 << 20
"""Of windows that were never asked for yet, and of those that are not whole; one that is
dropped has no agreement."""
PART_BYTES = 200
"""What a part of a window takes beside its record."""
MAX_PENDING = 2_000
MAX_RUNS = 16
"""Windows may come after the word that their run is forgotten, from another topic."""
COMPARING_S = 0.1
"""How long one question may compare; the next one goes on."""


UNKNOWN = Agreement()


@dataclass(frozen=True, slots=True)
class Point:
    """One window: each model's averages, and how far each pair of models agrees, once asked."""

    end_s: float
    average_risk: dict[str, float]
    alarms: dict[str, int]
    agreements: Mapping[frozenset[str], Agreement] = field(default_factory=dict)

    def agreement(self, pair: Sequence[str]) -> Agreement:
        """How far two models agree, in whichever order."""
        return self.agreements.get(frozenset(pair), UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Part:
    """One shard of one model in one window."""

    raw: bytes
    risk: float
    alarms: int

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return len(self.raw) + PART_BYTES


_Parts = dict[tuple[int, int], _Part]
"""By the model's number and shard."""


@dataclass(slots=True)
class _Run:
    points: OrderedDict[float, Point] = field(default_factory=OrderedDict)
    """By the window's end, oldest first."""
    to_compare: OrderedDict[float, _Parts] = field(default_factory=OrderedDict)
    last_s: float = float("-inf")


class History:
    """Collects the final windows of all shards and models until a window is whole.

    Parameters
    ----------
    index
        Position of each node in the grid.
    models
        Their names; every pair of them is compared.
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
        self._pending: OrderedDict[tuple[str, float], _Parts] = OrderedDict()
        self._pending_bytes = self._bytes_to_compare = self._points = 0
        self._runs: OrderedDict[str, _Run] = OrderedDict()

    def add(self, head: WindowHead, raw: bytes) -> None:
        """Take a final window of one shard; one that was sent again changes nothing."""
        end_s = head.window_end.timestamp()
        run = self._runs.get(head.run)
        if run is not None and end_s <= run.last_s:
            return
        key = (head.run, end_s)
        parts = self._pending.setdefault(key, {})
        place = (self._models.index(head.model), head.shard)
        if place in parts:
            return
        risk = head.risk
        parts[place] = _Part(raw, float(risk.sum()), int((risk >= self._warning).sum()))
        self._pending_bytes += parts[place].size
        if len(parts) == len(self._models) * self._shards:
            self._take_pending(key)
            self._keep(head.run, end_s, parts)
            self._make_room()
        elif len(self._pending) > MAX_PENDING or self._pending_bytes > MAX_BYTES:
            self._take_pending(next(iter(self._pending)))

    def points(self, run: str) -> list[Point]:
        """The points of a run, oldest first; compares some more of them, the newest first."""
        known = self._runs.get(run)
        if known is None:
            return []
        until = time.monotonic() + COMPARING_S
        while known.to_compare and time.monotonic() <= until:
            end_s, parts = self._taken_to_compare(known, newest=True)
            risk = self._risks(parts)
            if risk is not None:
                by_model = zip(self._models, risk, strict=True)
                found = {
                    frozenset((one, other)): agreement(of_one, of_other, TOP_K)
                    for (one, of_one), (other, of_other) in combinations(by_model, 2)
                }
                known.points[end_s] = replace(known.points[end_s], agreements=found)
        return list(known.points.values())

    def to_compare(self, run: str) -> int:
        """How many windows of a run have not been compared yet."""
        known = self._runs.get(run)
        return len(known.to_compare) if known else 0

    def forget(self, run: str) -> None:
        """Drop a run."""
        known = self._runs.pop(run, None)
        if known is not None:
            self._points -= len(known.points)
            self._bytes_to_compare -= sum(map(_bytes, known.to_compare.values()))

    def _take_pending(self, key: tuple[str, float]) -> None:
        self._pending_bytes -= _bytes(self._pending.pop(key))

    def _taken_to_compare(self, run: _Run, *, newest: bool) -> tuple[float, _Parts]:
        end_s, parts = run.to_compare.popitem(last=newest)
        self._bytes_to_compare -= _bytes(parts)
        return end_s, parts

    def _keep(self, name: str, end_s: float, parts: _Parts) -> None:
        run = self._runs.setdefault(name, _Run())
        self._runs.move_to_end(name)
        average, alarms = {}, {}
        for number, model in enumerate(self._models):
            # Shards come in any order; a floating-point sum must not depend on it.
            mine = [parts[number, shard] for shard in range(self._shards)]
            average[model] = sum(part.risk for part in mine) / len(self._index)
            alarms[model] = sum(part.alarms for part in mine)
        run.points[end_s] = Point(end_s, average, alarms)
        run.to_compare[end_s] = parts
        run.last_s = end_s
        self._points += 1
        self._bytes_to_compare += _bytes(parts)

    def _make_room(self) -> None:
        while self._bytes_to_compare > MAX_BYTES:
            self._taken_to_compare(
                next(run for run in self._runs.values() if run.to_compare), newest=False
            )
        while self._points > MAX_POINTS:
            name, run = next(iter(self._runs.items()))
            oldest_s, _ = run.points.popitem(last=False)
            if oldest_s in run.to_compare:
                self._taken_to_compare(run, newest=False)
            self._points -= 1
            if not run.points:
                self.forget(name)
        if len(self._runs) > MAX_RUNS:
            self.forget(next(iter(self._runs)))

    def _risks(self, parts: _Parts) -> Floats | None:
        """Risks of all nodes, shape (models, nodes); None if a window cannot be read."""
        risks = np.zeros((len(self._models), len(self._index)))
        try:
            for (number, _), part in parts.items():
                window = decode(part.raw, RiskWindow)
                risks[number, [self._index[node] for node in window.nodes]] = window.risk
        except (MessageError, KeyError) as error:
            log.warning("cannot compare a final window: %s", error)
            return None
        return risks


def _bytes(parts: _Parts) -> int:
    return sum(part.size for part in parts.values())
