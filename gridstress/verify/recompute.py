"""Recompute all results of a run from its measurements alone: dense arrays, no Kafka.

Window sums add the panes themselves: a running total would lose digits to cancellation and could
not be compared at 1e-9.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gridstress.settings import Settings
from gridstress.verify.episodes import Alarms, Decision, decide, episode_id
from gridstress.verify.influence import influence_of
from gridstress.verify.intake import Block, Intake, take_in
from topology.clock import to_datetime
from topology.errors import DataError
from topology.grid import Grid
from topology.messages import Floats, MeasurementFrame, RiskAlert, SourceShare

Indices = np.ndarray[Any, np.dtype[np.int32]]

MAX_CELLS = 40_000_000
"""Panes times nodes; more would take several GB of memory."""
TOP_SOURCES = 3


@dataclass(frozen=True)
class Past:
    """What a run's later windows need to know of its beginning, once that has been dropped.

    ``until_s`` is the end of the last window that lies behind, ``last_row_s`` the time of the
    newest row that was dropped (epoch seconds); ``alarms`` are those after that window, by model.
    """

    until_s: float = -math.inf
    last_row_s: float = -math.inf
    alarms: Mapping[str, Alarms] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelResult:
    """One model's windows and alarms.

    ``stress`` (h) and ``risk`` have shape (windows, nodes) and hold final and open windows;
    ``influence`` is K in column order.
    """

    model: str
    influence: Any
    stress: Floats
    risk: Floats
    decisions: list[Decision]


@dataclass(frozen=True)
class Recomputed:
    """What one run should have led to.

    ``ends_s`` are the window ends, shape (windows,), ascending: the first ``closed`` of them are
    final, the others open. A gap that is too long (docs/messages.md) has no windows.
    ``own_stress`` is each node's own stress (h) in the pane before each window end, shape
    (windows, nodes). ``final_until_s`` is the event time up to which it is certain which windows
    there are; minus infinity without a watermark. Windows of the ``past`` are there for the sums
    and shares of later ones alone; they may lack panes.
    """

    run: str
    grid: Grid
    settings: Settings
    intake: Intake
    ends_s: Floats
    closed: int
    final_until_s: float
    own_stress: Floats
    models: dict[str, ModelResult]
    past: Past = field(default_factory=Past)

    @property
    def first(self) -> int:
        """Position of the first window that does not lie in the past."""
        return int((self.ends_s <= self.past.until_s).sum())

    @property
    def watermark_s(self) -> float | None:
        """The run's watermark in epoch seconds; None while a zone is missing."""
        return self.intake.watermark_s

    def window_of(self, end_s: float) -> int | None:
        """Position of a window end in ``ends_s``, or None if there is no such window."""
        position = int(np.searchsorted(self.ends_s, end_s))
        there = position < len(self.ends_s) and self.ends_s[position] == end_s
        return position if there else None

    def peak_risk(self, model: str, node: int, raised_s: float, window: int) -> float:
        """Highest risk of a node from the window in which its alarm was raised to a later one."""
        first = max(self.first, int(np.searchsorted(self.ends_s, raised_s)))
        highest = float(self.models[model].risk[first : window + 1, node].max())
        if raised_s > self.past.until_s:
            return highest
        return max(highest, float(self.past.alarms[model].peak_risk[node]))

    def shares(self, model: str, window: int, node: int) -> Floats:
        """Part of a node's window stress that came from each node, shape (nodes,)."""
        sources, parts = _shares(self.own_stress, self.models[model], self.settings, window, node)
        shares = np.zeros(len(self.grid.nodes))
        shares[sources] = parts
        return shares

    def alerts(self, model: str, decisions: Iterable[Decision] | None = None) -> list[RiskAlert]:
        """Make the records the app should send of alarm steps (by default the model's own)."""
        result = self.models[model]
        chosen = result.decisions if decisions is None else decisions
        return [self._alert(result, decision) for decision in chosen]

    def _alert(self, result: ModelResult, decision: Decision) -> RiskAlert:
        node_id = self.grid.ids[decision.node]
        end_s = float(self.ends_s[decision.window])
        episode = episode_id(result.model, self.run, node_id, decision.raised_s)
        sources, shares = _shares(
            self.own_stress, result, self.settings, decision.window, decision.node
        )
        # Sources ascend, and with them the ids: a stable sort keeps equal shares by id.
        by_size = np.argsort(-shares, kind="stable")[:TOP_SOURCES]
        return RiskAlert(
            alert_id=f"{episode}-{decision.state}-{decision.level}",
            episode_id=episode,
            model=result.model,
            run=self.run,
            node_id=node_id,
            timestamp=to_datetime(end_s),
            window_start=to_datetime(end_s - self.settings.size_s),
            window_end=to_datetime(end_s),
            risk_score=float(result.risk[decision.window, decision.node]),
            peak_risk=self.peak_risk(
                result.model, decision.node, decision.raised_s, decision.window
            ),
            level=decision.level,  # type: ignore[arg-type]
            state=decision.state,  # type: ignore[arg-type]
            sources=[
                SourceShare(self.grid.ids[sources[i]], float(shares[i]))
                for i in by_size
                if shares[i] > 0
            ],
        )


def recompute(frames: Iterable[MeasurementFrame], grid: Grid, settings: Settings) -> Recomputed:
    """Work out the windows and alarms of one run under every enabled model.

    ``frames`` are the run's, each zone's in the order of its partition's log, repeated ones
    included; grid and settings those that the workers use.

    Raises
    ------
    DataError
        If the frames are of several runs, none can be used, or they span too long a time.
    """
    return work_out(
        take_in(frames, grid, settings.lateness_s, settings.max_ahead_s), grid, settings
    )


def work_out(
    intake: Intake,
    grid: Grid,
    settings: Settings,
    past: Past | None = None,
    matrices: Mapping[str, Any] | None = None,
) -> Recomputed:
    """Work out the windows and alarms of a run, or of what is left of it after its ``past``.

    ``matrices`` are K by model, made anew by default. DataError if it spans too long a time.
    """
    past = past or Past()
    blocks = [b for zone in intake.zones.values() for b in zone.blocks if not b.skipped.all()]
    ends_s, final_until_s = _window_ends(blocks, intake, grid, settings, past)
    own_stress = _own_stress(blocks, ends_s, grid, settings)
    closed = int((ends_s <= final_until_s).sum())
    matrices = matrices or {m: influence_of(m, grid, settings) for m in settings.model_names}
    models = {
        model: spread(model, matrix, own_stress, ends_s[:closed], settings, past)
        for model, matrix in matrices.items()
    }
    return Recomputed(
        *(intake.run, grid, settings, intake, ends_s, closed, final_until_s, own_stress, models),
        past,
    )


def drop(expected: Recomputed, until_s: float, steps: Mapping[str, list[Decision]]) -> Past:
    """Drop the rows that no window ending after ``until_s`` needs; return what lies behind then.

    ``until_s`` is an end of a final window, ``steps`` are the alarm steps by model.
    """
    before_s = until_s - expected.settings.size_s
    last = [zone.drop(before_s) for zone in expected.intake.zones.values()]
    alarms = {model: _alarms_at(expected, model, until_s, found) for model, found in steps.items()}
    return Past(until_s, max(expected.past.last_row_s, *last), alarms)


def _alarms_at(
    expected: Recomputed, model: str, until_s: float, steps: Iterable[Decision]
) -> Alarms:
    """Return a model's alarms after the window that ends at ``until_s``."""
    before = expected.past.alarms.get(model) or Alarms.none(len(expected.grid.nodes))
    alarms = before.after(step for step in steps if expected.ends_s[step.window] <= until_s)
    window = int(np.searchsorted(expected.ends_s, until_s))
    for node in np.flatnonzero(alarms.level).tolist():
        raised_s = float(alarms.raised_s[node])
        alarms.peak_risk[node] = expected.peak_risk(model, node, raised_s, window)
    return alarms


def spread(
    model: str,
    matrix: Any,
    own_stress: Floats,
    final_ends_s: Floats,
    settings: Settings,
    past: Past | None = None,
) -> ModelResult:
    """Work out windows and alarms of one model from each node's own stress.

    ``matrix`` is K, rows are sources; ``own_stress`` has shape (windows, nodes), of the pane
    before each window end; the first of them are final and end at ``final_ends_s``.
    """
    past = past or Past()
    influence = matrix.tocsc()
    influence.sort_indices()
    per_window = settings.size_s // settings.step_s
    stress = _window_sums((influence.T @ own_stress.T).T, per_window)
    risk = -np.expm1(-stress)
    decisions = decide(
        risk[: len(final_ends_s)],
        final_ends_s,
        levels_of(settings),
        settings.level_clear,
        before=past.alarms.get(model),
        first=int((final_ends_s <= past.until_s).sum()),
    )
    return ModelResult(model, influence, stress, risk, decisions)


def levels_of(settings: Settings) -> tuple[float, float, float]:
    """Return the risks at which WARNING, HIGH and CRITICAL are reached."""
    return settings.level_warning, settings.level_high, settings.level_critical


def _window_ends(
    blocks: Sequence[Block], intake: Intake, grid: Grid, settings: Settings, past: Past
) -> tuple[Floats, float]:
    """Return all window ends, and the event time up to which it is certain which there are."""
    counted = [b.times_s[~b.skipped] for b in blocks]
    if math.isfinite(past.last_row_s):
        counted.append(np.array([past.last_row_s]))
    if not counted:  # no row is in a window: all are late, too far ahead or final
        return np.empty(0), -math.inf
    step_s, size_s = settings.step_s, settings.size_s
    times = np.unique(np.concatenate(counted))
    longest = max(settings.max_ahead_s, size_s) if settings.max_ahead_s else math.inf
    cuts = np.flatnonzero(np.diff(times) > longest)
    watermark_s = -math.inf if intake.watermark_s is None else intake.watermark_s
    firsts, lasts = times[np.r_[0, cuts + 1]], times[np.r_[cuts, len(times) - 1]]
    begins = np.floor(firsts / step_s)
    # The window that ends a size after the last pane with a row is the first without rows: in it
    # every alarm clears. The last stretch has the open windows, or reaches to the end of the data.
    reaches = np.floor(lasts / step_s) + 1 + size_s // step_s
    reaches[-1] -= 1
    if math.isfinite(watermark_s):
        reaches[-1] = max(reaches[-1], watermark_s // step_s)
    count = int((reaches - begins).sum())
    if count * len(grid.nodes) > MAX_CELLS:
        raise DataError(
            f"run {intake.run!r} spans {count} panes of {len(grid.nodes)} nodes, too many",
            hint="Is a timestamp far off? The longest that can be verified is "
            f"{MAX_CELLS // len(grid.nodes)} panes.",
        )
    ends = [np.arange(a + 1, b + 1) for a, b in zip(begins, reaches, strict=True)]
    final_until_s = watermark_s
    for last_s, reach, next_s in zip(lasts, reaches, firsts[1:], strict=False):
        # While the watermark is in a gap, a row may still come that makes it shorter.
        if reach * step_s < watermark_s < next_s and watermark_s - last_s <= longest:
            final_until_s = reach * step_s
    return np.concatenate(ends) * step_s, final_until_s


def _own_stress(blocks: Sequence[Block], ends_s: Floats, grid: Grid, settings: Settings) -> Floats:
    """Return each node's own stress in the pane before each window end, (windows, nodes)."""
    threshold, ratings = settings.stress_threshold, grid.ratings_mw
    own = np.zeros((len(ends_s), len(grid.nodes)))
    for block in blocks:
        panes = np.floor(block.times_s[~block.skipped] / settings.step_s)
        utilisation = block.load_mw[~block.skipped] / ratings[block.columns]
        stress = np.maximum(0.0, (utilisation - threshold) / (1 - threshold))
        rows = np.searchsorted(ends_s, (panes + 1) * settings.step_s)[:, np.newaxis]
        columns = np.array(block.columns, dtype=np.int64)[np.newaxis, :]
        np.add.at(own, (rows, columns), stress * block.period_s / 3600)
    return own


def _window_sums(panes: Floats, per_window: int) -> Floats:
    """Sum each pane and the ones before it, ``per_window`` in all; shape as ``panes``.

    Across a gap the panes between are missing, but those before it are empty: a stretch ends with
    a whole window of them.
    """
    padded = np.pad(panes, ((per_window - 1, 0), (0, 0)))
    total = np.zeros(panes.shape)
    for k in range(per_window):
        total += padded[k : k + len(panes)]
    return total


def _shares(
    own_stress: Floats, result: ModelResult, settings: Settings, window: int, node: int
) -> tuple[Indices, Floats]:
    """Return the sources that can reach a node, ascending, and their shares of its stress."""
    per_window = settings.size_s // settings.step_s
    own = own_stress[max(0, window + 1 - per_window) : window + 1].sum(axis=0)
    begin, end = result.influence.indptr[node : node + 2]
    sources: Indices = result.influence.indices[begin:end]
    parts = own[sources] * result.influence.data[begin:end]
    total = result.stress[window, node]
    shares: Floats = parts / total if total > 0 else np.zeros_like(parts)
    return sources, shares
