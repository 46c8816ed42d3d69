"""Everything a run should have led to, from its measurements alone: dense arrays, no Kafka.

Window sums add the panes themselves: a running total would lose digits to cancellation and could
not be compared at 1e-9.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridstress.settings import Settings
from gridstress.verify.episodes import Decision, decide, episode_id
from gridstress.verify.influence import influence_of
from gridstress.verify.intake import Intake, take_in
from topology.clock import to_datetime
from topology.errors import DataError
from topology.grid import Grid
from topology.messages import Floats, MeasurementFrame, RiskAlert, SourceShare

Indices = np.ndarray[Any, np.dtype[np.int32]]

MAX_CELLS = 40_000_000
"""Panes times nodes; more would take several GB of memory."""
TOP_SOURCES = 3


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

    ``ends_s`` are the window ends, shape (windows,): the first ``closed`` of them are final, the
    others open. ``own_stress`` is each node's own stress a pane (h), shape (panes, nodes); the
    first pane is the one before the first window end.
    """

    run: str
    grid: Grid
    settings: Settings
    intake: Intake
    ends_s: Floats
    closed: int
    own_stress: Floats
    models: dict[str, ModelResult]

    @property
    def watermark_s(self) -> float | None:
        """The run's watermark in epoch seconds; None while a zone is missing."""
        return self.intake.watermark_s

    def window_of(self, end_s: float) -> int | None:
        """Position of a window end in ``ends_s``, or None if there is no such window."""
        position = (end_s - self.ends_s[0]) / self.settings.step_s
        whole = int(position)
        return whole if position == whole and 0 <= whole < len(self.ends_s) else None

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
        episode = episode_id(result.model, self.run, node_id, float(self.ends_s[decision.raised]))
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

    Parameters
    ----------
    frames
        The run's frames, each zone's in the order of its partition's log, repeated ones included.
    grid
        The topology the workers use.
    settings
        The settings the workers use.

    Raises
    ------
    DataError
        If the frames are of several runs, none can be used, or they span too long a time.
    """
    intake = take_in(frames, grid, settings.lateness_s, settings.max_ahead_s)
    first_pane, own_stress = _own_stress(intake, grid, settings)
    per_window = settings.size_s // settings.step_s
    windows = len(own_stress) + per_window - 1
    ends_s = np.arange(first_pane + 1, first_pane + 1 + windows, dtype=np.float64) * settings.step_s
    watermark_s = intake.watermark_s
    closed = 0 if watermark_s is None else int((ends_s <= watermark_s).sum())
    models = {
        model: spread(model, influence_of(model, grid, settings), own_stress, closed, settings)
        for model in settings.model_names
    }
    return Recomputed(intake.run, grid, settings, intake, ends_s, closed, own_stress, models)


def spread(
    model: str, matrix: Any, own_stress: Floats, closed: int, settings: Settings
) -> ModelResult:
    """Work out windows and alarms of one model from each node's own stress.

    ``matrix`` is K, rows are sources; ``own_stress`` has shape (panes, nodes); the first
    ``closed`` windows are final.
    """
    influence = matrix.tocsc()
    influence.sort_indices()
    per_window = settings.size_s // settings.step_s
    stress = _window_sums((influence.T @ own_stress.T).T, per_window)
    risk = -np.expm1(-stress)
    decisions = decide(risk[:closed], levels_of(settings), settings.level_clear)
    return ModelResult(model, influence, stress, risk, decisions)


def levels_of(settings: Settings) -> tuple[float, float, float]:
    """Return the risks at which WARNING, HIGH and CRITICAL are reached."""
    return settings.level_warning, settings.level_high, settings.level_critical


def _own_stress(intake: Intake, grid: Grid, settings: Settings) -> tuple[int, Floats]:
    blocks = [b for zone in intake.zones.values() for b in zone.blocks if not b.aside.all()]
    panes = [np.floor(b.times_s[~b.aside] / settings.step_s).astype(np.int64) for b in blocks]
    first, last = min(int(p.min()) for p in panes), max(int(p.max()) for p in panes)
    count = last - first + 1
    if count * len(grid.nodes) > MAX_CELLS:
        raise DataError(
            f"run {intake.run!r} spans {count} panes of {len(grid.nodes)} nodes, too many",
            hint="Is a timestamp far off? The longest that can be verified is "
            f"{MAX_CELLS // len(grid.nodes)} panes.",
        )
    threshold, ratings = settings.stress_threshold, grid.ratings_mw
    own = np.zeros((count, len(grid.nodes)))
    for block, pane in zip(blocks, panes, strict=True):
        utilisation = block.load_mw[~block.aside] / ratings[block.columns]
        stress = np.maximum(0.0, (utilisation - threshold) / (1 - threshold))
        rows = (pane - first)[:, np.newaxis]
        columns = np.array(block.columns, dtype=np.int64)[np.newaxis, :]
        np.add.at(own, (rows, columns), stress * block.period_s / 3600)
    return first, own


def _window_sums(panes: Floats, per_window: int) -> Floats:
    """Sum ``per_window`` panes in a row, for every window that has at least one of them."""
    padding = ((per_window - 1, per_window - 1), (0, 0))
    padded = np.pad(panes, padding)
    windows = len(panes) + per_window - 1
    total = np.zeros((windows, panes.shape[1]))
    for k in range(per_window):
        total += padded[k : k + windows]
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
