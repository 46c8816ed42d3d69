"""Compare alarm steps and episodes with the recomputed ones."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from gridstress.verify.compare_windows import ObservedWindows
from gridstress.verify.due import ALL, Due
from gridstress.verify.episodes import Decision, decide
from gridstress.verify.outcome import RISK_FLOOR, TOLERANCE, Outcome, relative, same
from gridstress.verify.recompute import Recomputed, levels_of
from topology.clock import to_iso
from topology.messages import RiskAlert, SourceShare

EXACT = (
    "episode_id",
    "model",
    "run",
    "node_id",
    "timestamp",
    "window_start",
    "window_end",
    "level",
    "state",
)


def decisions_for(
    expected: Recomputed, model: str, observed: ObservedWindows, outcome: Outcome
) -> list[Decision]:
    """Find the alarm steps the app had to take.

    Where a recomputed risk is so close to a level that a difference within the tolerance turns
    the decision over, the app's own published risk decides: the two agree as numbers, and its
    alarms must then agree with its windows.
    """
    result = expected.models[model]
    risk = result.risk[: expected.closed]
    levels = (*levels_of(expected.settings), expected.settings.level_clear)
    near = np.zeros(risk.shape, dtype=np.bool_)
    for level in levels:
        near |= np.abs(risk - level) <= TOLERANCE * level
    near &= observed.known & (relative(risk, observed.risk, RISK_FLOOR) <= TOLERANCE)
    if not near.any():
        return result.decisions
    outcome.counts["risks at a level"] += int(near.sum())
    for at, node in np.argwhere(near)[:5]:
        outcome.notes.append(
            f"{model}: risk of {expected.grid.ids[node]} in the window ending "
            f"{to_iso(expected.ends_s[at])} is at a level; the published value decides"
        )
    chosen = np.where(near, observed.risk, risk)
    return decide(
        chosen,
        expected.ends_s[: expected.closed],
        levels_of(expected.settings),
        expected.settings.level_clear,
        before=expected.past.alarms.get(model),
        first=expected.first,
    )


def compare_alarms(
    expected: Recomputed,
    model: str,
    windows: ObservedWindows,
    alerts: Iterable[RiskAlert],
    outcome: Outcome,
    *,
    ended: bool = False,
    due: Due = ALL,
) -> None:
    """Hold the alerts of one model against the recomputed ones, one by one and as episodes.

    All that are ``due`` must be there; of a run that was ``ended``, those before the last one of
    each shard that is there: a worker that was killed may have sent windows and not their alerts.
    """
    alerts = [a for a in alerts if a.window_end.timestamp() > expected.past.until_s]
    steps = _steps(expected, model, windows, alerts, outcome, ended=ended, due=due)
    place = {alert_id: at for at, alert_id in enumerate(steps)}
    newest: dict[str, int] = {}
    seen: dict[str, RiskAlert] = {}
    bad = _lost_peaks(model, alerts, outcome)
    outcome.counts["alerts expected"] += len(steps)
    for alert in alerts:
        name = f"{model}: alert {_say(alert)}"
        first = seen.get(alert.alert_id)
        if first is not None:
            outcome.counts["alerts repeated"] += 1
            decision = steps[alert.alert_id][0] if alert.alert_id in steps else None
            if _apart(expected, decision, first, alert):
                outcome.problem("alerts conflicting", f"{name} is there twice with other values")
                bad.add(alert.episode_id)
            continue
        seen[alert.alert_id] = alert
        if alert.alert_id not in steps:
            outcome.problem("alerts extra", f"{name} is there, but should not have been raised")
            bad.add(alert.episode_id)
            continue
        decision, ours = steps[alert.alert_id]
        outcome.counts["alerts found"] += 1
        at = place[alert.alert_id]
        if at < newest.get(ours.node_id, at):
            outcome.problem("alerts disordered", f"{name} comes behind a later step of the node")
            bad.add(ours.episode_id)
        newest[ours.node_id] = max(at, newest.get(ours.node_id, at))
        apart = _apart(expected, decision, ours, alert)
        outcome.difference(
            float(relative(np.array(ours.risk_score), np.array(alert.risk_score), RISK_FLOOR)),
            f"{name}: risk_score",
        )
        if apart:
            outcome.problem("alerts differing", f"{name}: {apart}")
            bad.add(ours.episode_id)
    for alert_id, (_, ours) in steps.items():
        if alert_id not in seen:
            outcome.problem("alerts missing", f"{model}: alert {_say(ours)} is missing")
            bad.add(ours.episode_id)
    episodes = {a.episode_id for _, a in steps.values()}
    outcome.counts["episodes expected"] += len(episodes)
    outcome.counts["episodes equal"] += len(episodes - bad)


def _lost_peaks(model: str, alerts: Iterable[RiskAlert], outcome: Outcome) -> set[str]:
    """Episodes with a peak in one step and none in a later one.

    Those that an earlier version has raised have no peak, in any step.
    """
    with_peak: set[str] = set()
    lost: set[str] = set()
    for alert in alerts:
        if alert.peak_risk is not None:
            with_peak.add(alert.episode_id)
            continue
        outcome.counts["alerts without peak"] += 1
        if alert.episode_id in with_peak:
            text = f"{model}: alert {_say(alert)}: peak_risk is missing, an earlier step has it"
            outcome.problem("alerts differing", text)
            lost.add(alert.episode_id)
    return lost


def _steps(
    expected: Recomputed,
    model: str,
    windows: ObservedWindows,
    alerts: Iterable[RiskAlert],
    outcome: Outcome,
    *,
    ended: bool,
    due: Due,
) -> dict[str, tuple[Decision, RiskAlert]]:
    """The recomputed alarm steps that are due or there, by the alert's id, in their order."""
    decisions = decisions_for(expected, model, windows, outcome)
    pairs = list(zip(decisions, expected.alerts(model, decisions), strict=True))
    shard = windows.shard_of_node
    there = {alert.alert_id for alert in alerts}
    if ended:
        last = {shard[d.node]: d.window for d, a in pairs if a.alert_id in there}
        pairs = [
            (d, a)
            for d, a in pairs
            if a.alert_id in there or d.window < last.get(shard[d.node], -1)
        ]
    elif (due_s := due.alerts_s.get(model)) is not None:
        for d, a in pairs:
            if a.alert_id not in there and expected.ends_s[d.window] > due_s[shard[d.node]]:
                outcome.wait(float(expected.ends_s[d.window]))
        pairs = [
            (d, a)
            for d, a in pairs
            if a.alert_id in there or expected.ends_s[d.window] <= due_s[shard[d.node]]
        ]
    return {a.alert_id: (d, a) for d, a in pairs}


def _say(alert: RiskAlert) -> str:
    at = to_iso(alert.window_end.timestamp())
    return f"{alert.node_id} {alert.state} {alert.level} at {at} ({alert.alert_id})"


def _apart(
    expected: Recomputed, decision: Decision | None, ours: RiskAlert, theirs: RiskAlert
) -> str:
    for name in EXACT:
        mine, its = getattr(ours, name), getattr(theirs, name)
        if mine != its:
            return f"{name} is {its!r}, recomputed {mine!r}"
    if not same(ours.risk_score, theirs.risk_score, RISK_FLOOR):
        return f"risk_score is {theirs.risk_score!r}, recomputed {ours.risk_score!r}"
    mine, its = ours.peak_risk, theirs.peak_risk
    if not (mine is None or its is None or same(mine, its, RISK_FLOOR)):
        return f"peak_risk is {its!r}, recomputed {mine!r}"
    wrong = len(ours.sources) != len(theirs.sources) or any(
        not same(a.share, b.share) for a, b in zip(ours.sources, theirs.sources, strict=True)
    )
    names = [source.node_id for source in theirs.sources]
    if not wrong and names != [source.node_id for source in ours.sources]:
        # Sources whose shares differ by rounding only may come in either order.
        wrong = len(set(names)) < len(names) or decision is None
        if decision is not None and not wrong:
            shares = expected.shares(ours.model, decision.window, decision.node)
            at = [expected.grid.index.get(name) for name in names]
            wrong = any(
                i is None or not same(float(shares[i]), source.share)
                for i, source in zip(at, theirs.sources, strict=True)
            )
    if wrong:
        return f"sources are {_tell(theirs.sources)}, recomputed {_tell(ours.sources)}"
    return ""


def _tell(sources: list[SourceShare]) -> str:
    return ", ".join(f"{s.node_id} {s.share!r}" for s in sources) or "none"


def episodes_of(alerts: Iterable[RiskAlert]) -> list[dict[str, Any]]:
    """Gather alerts into episodes, without ids of runs, so that runs can be compared.

    Numbers are rounded to 9 decimals: runs may differ in the order of their sums.
    """
    steps: dict[str, dict[str, RiskAlert]] = {}
    for alert in alerts:
        steps.setdefault(alert.episode_id, {}).setdefault(alert.alert_id, alert)
    episodes = []
    for by_id in steps.values():
        ordered = sorted(by_id.values(), key=lambda a: (a.window_end, a.state == "CLEARED"))
        last = ordered[-1]
        episodes.append(
            {
                "model": last.model,
                "node_id": last.node_id,
                "raised": to_iso(ordered[0].window_end.timestamp()),
                "cleared": to_iso(last.window_end.timestamp()) if last.state == "CLEARED" else None,
                "level": last.level,
                "steps": [
                    {
                        "window_end": to_iso(a.window_end.timestamp()),
                        "state": a.state,
                        "level": a.level,
                        "risk_score": round(a.risk_score, 9),
                        "peak_risk": None if a.peak_risk is None else round(a.peak_risk, 9),
                        "sources": [
                            {"node_id": s.node_id, "share": round(s.share, 9)} for s in a.sources
                        ],
                    }
                    for a in ordered
                ],
            }
        )
    return sorted(episodes, key=lambda e: (str(e["model"]), str(e["node_id"]), str(e["raised"])))
