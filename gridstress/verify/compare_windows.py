"""Compare final and open windows with the recomputed ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from gridstress.verify.due import ALL, Due
from gridstress.verify.intake import Mask
from gridstress.verify.outcome import RISK_FLOOR, TOLERANCE, Outcome, relative
from gridstress.verify.recompute import Recomputed
from topology.clock import to_iso
from topology.messages import Floats, RiskWindow


@dataclass
class ObservedWindows:
    """The app's windows laid out like the recomputed ones: stress and risk (windows, nodes).

    ``found`` has shape (windows, shards).
    """

    stress: Floats
    risk: Floats
    found: Mask
    shard_of_node: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def known(self) -> Mask:
        """Which cells the app gave a value for (a node left out is 0), shape (windows, nodes)."""
        mask: Mask = self.found[:, self.shard_of_node]
        return mask


@dataclass(frozen=True)
class OpenWindow:
    """One window that is still filling, over all shards."""

    start_s: float
    end_s: float
    nodes: list[str]
    stress: list[float]
    risk: list[float]


class OpenWindows(NamedTuple):
    """The windows that are still filling; those that end after ``complete_until_s`` lack panes.

    It is -inf where the workers do not know the run.
    """

    windows: Sequence[OpenWindow]
    complete_until_s: float = inf


def compare_windows(
    expected: Recomputed,
    model: str,
    windows: Iterable[RiskWindow],
    outcome: Outcome,
    *,
    ended: bool = False,
    due: Due = ALL,
) -> ObservedWindows:
    """Hold the final windows of one model against the recomputed ones.

    Every step end that is ``due`` must be there for every shard, also without nodes; of a run that
    was ``ended``, up to the last one of the shard that is there. Copies are fine as long as their
    values agree.
    """
    shards = expected.settings.partitions
    shape = (expected.closed, len(expected.grid.nodes))
    observed = ObservedWindows(
        np.zeros(shape),
        np.zeros(shape),
        np.zeros((expected.closed, shards), dtype=np.bool_),
        np.array([crc32(name.encode()) % shards for name in expected.grid.ids], dtype=np.int64),
    )
    for window in windows:
        _place(expected, observed, window, outcome)
    # A window is due if one that ends then or later is there.
    wanted: Mask = np.logical_or.accumulate(observed.found[::-1])[::-1]
    if ended:
        outcome.notes.append(f"{model}: shards compared: {_reached(expected, wanted)}")
    else:
        wanted |= (expected.ends_s[: expected.closed] <= due.windows_s)[:, np.newaxis]
    wanted[: expected.first] = False
    for at in np.flatnonzero(~(wanted | observed.found)[expected.first :].all(axis=1))[:1]:
        outcome.wait(float(expected.ends_s[expected.first + at]))
    outcome.counts["windows expected"] += int(wanted.sum())
    outcome.counts["windows found"] += int(observed.found.sum())
    for at, shard in np.argwhere(wanted & ~observed.found):
        outcome.problem(
            "windows missing",
            f"{model}: window ending {to_iso(expected.ends_s[at])} of shard {shard} is missing",
        )
    result = expected.models[model]
    known = observed.known
    outcome.counts["values compared"] += int(
        (known & ((observed.stress > 0) | (result.stress[: expected.closed] > 0))).sum()
    )
    for name, ours, theirs, floor in (
        ("stress", result.stress, observed.stress, 0.0),
        ("risk", result.risk, observed.risk, RISK_FLOOR),
    ):
        apart = np.where(known, relative(ours[: expected.closed], theirs, floor), 0.0)
        _judge(expected, f"{model}: {name}", ours, theirs, apart, outcome)
    return observed


def _reached(expected: Recomputed, wanted: Mask) -> str:
    return ", ".join(
        f"{shard} up to {to_iso(expected.ends_s[count - 1])}" if count else f"{shard} not at all"
        for shard, count in enumerate(wanted.sum(axis=0).tolist())
    )


def _judge(
    expected: Recomputed,
    name: str,
    ours: Floats,
    theirs: Floats,
    apart: Floats,
    outcome: Outcome,
) -> None:
    if not apart.size:
        return
    at, node = np.unravel_index(int(apart.argmax()), apart.shape)
    outcome.difference(float(apart[at, node]), _where(expected, name, int(at), int(node)))
    for at, node in np.argwhere(apart > TOLERANCE):
        outcome.problem(
            "values differing",
            f"{_where(expected, name, at, node)} is {float(theirs[at, node])!r}, "
            f"recomputed {float(ours[at, node])!r}",
        )


def _where(expected: Recomputed, name: str, at: int, node: int) -> str:
    return f"{name} of {expected.grid.ids[node]} in the window ending {to_iso(expected.ends_s[at])}"


def _place(
    expected: Recomputed, observed: ObservedWindows, window: RiskWindow, outcome: Outcome
) -> None:
    end_s = window.window_end.timestamp()
    name = f"{window.model}: window ending {to_iso(end_s)} of shard {window.shard}"
    wrong = _malformed(expected, observed, window)
    if wrong:
        outcome.problem("windows malformed", f"{name}: {wrong}")
        return
    if end_s <= expected.past.until_s:
        outcome.counts["windows of the past"] += 1
        return
    at = expected.window_of(end_s)
    if at is None or at >= expected.closed:
        outcome.problem("windows extra", f"{name} is there, but should not be final")
        return
    columns = [expected.grid.index[node_id] for node_id in window.nodes]
    if not observed.found[at, window.shard]:
        observed.found[at, window.shard] = True
        observed.stress[at, columns] = window.stress
        observed.risk[at, columns] = window.risk
        return
    outcome.counts["windows repeated"] += 1
    mine = observed.shard_of_node == window.shard
    stress, risk = np.zeros((2, len(mine)))
    stress[columns], risk[columns] = window.stress, window.risk
    apart = relative(observed.stress[at, mine], stress[mine])
    apart_risk = relative(observed.risk[at, mine], risk[mine], RISK_FLOOR)
    if (apart > TOLERANCE).any() or (apart_risk > TOLERANCE).any():
        outcome.problem("windows conflicting", f"{name} is there twice with other values")


def _malformed(expected: Recomputed, observed: ObservedWindows, window: RiskWindow) -> str:
    if (window.window_end - window.window_start).total_seconds() != expected.settings.size_s:
        return f"starts {window.window_start.isoformat()}, not {expected.settings.size_s} s before"
    if window.shard >= expected.settings.partitions:
        return f"there are {expected.settings.partitions} shards"
    if any(a >= b for a, b in zip(window.nodes, window.nodes[1:], strict=False)):
        return "nodes are not sorted"
    for node_id, stress in zip(window.nodes, window.stress.tolist(), strict=True):
        if node_id not in expected.grid.index:
            return f"unknown node {node_id!r}"
        if observed.shard_of_node[expected.grid.index[node_id]] != window.shard:
            return f"node {node_id!r} is of another shard"
        if stress <= 0:
            return f"node {node_id!r} is listed with stress {stress!r}"
    return ""


def compare_open(expected: Recomputed, model: str, found: OpenWindows, outcome: Outcome) -> None:
    """Hold the windows in the workers' state against those that are not final.

    A worker shows a limited number of panes; windows beyond them are counted as not shown.
    """
    shape = (len(expected.ends_s), len(expected.grid.nodes))
    stress, risk = np.zeros(shape), np.zeros(shape)
    seen: set[int] = set()
    for window in found.windows:
        if window.end_s > found.complete_until_s:
            continue
        name = f"{model}: open window ending {to_iso(window.end_s)}"
        at = expected.window_of(window.end_s)
        unknown = sorted(set(window.nodes) - expected.grid.index.keys())
        uneven = not len(window.nodes) == len(window.stress) == len(window.risk)
        if unknown or uneven or window.end_s - window.start_s != expected.settings.size_s:
            what = f"unknown node {unknown[0]!r}" if unknown else "wrong start or lengths"
            outcome.problem("open windows malformed", f"{name}: {what}")
        elif at is None or at < expected.closed:
            if window.nodes:
                outcome.problem("open windows extra", f"{name} is there, but should not be open")
        elif at in seen:
            outcome.problem("open windows conflicting", f"{name} is there twice")
        else:
            seen.add(at)
            columns = [expected.grid.index[node_id] for node_id in window.nodes]
            stress[at, columns], risk[at, columns] = window.stress, window.risk
    result = expected.models[model]
    stressed: Mask = np.asarray((result.stress > 0).any(axis=1))
    stressed[: expected.closed] = False
    unseen: Mask = np.asarray(expected.ends_s > found.complete_until_s) & stressed
    if found.complete_until_s == -inf:
        outcome.notes.append("the workers do not know the run any more: no open window compared")
    if unseen.any():
        outcome.counts["open windows not shown"] += int(unseen.sum())
        stressed &= ~unseen
    outcome.counts["open windows expected"] += int(stressed.sum())
    outcome.counts["open windows found"] += int(stressed[sorted(seen)].sum())
    for at in sorted(set(np.flatnonzero(stressed).tolist()) - seen):
        outcome.problem(
            "open windows missing",
            f"{model}: open window ending {to_iso(expected.ends_s[at])} is missing",
        )
    there: Mask = np.zeros(shape, dtype=np.bool_)
    there[sorted(seen)] = True
    outcome.counts["values compared"] += int((there & ((stress > 0) | (result.stress > 0))).sum())
    for label, ours, theirs, floor in (
        ("open stress", result.stress, stress, 0.0),
        ("open risk", result.risk, risk, RISK_FLOOR),
    ):
        apart = np.where(there, relative(ours, theirs, floor), 0.0)
        _judge(expected, f"{model}: {label}", ours, theirs, apart, outcome)
