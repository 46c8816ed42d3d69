"""What is left of a run leads to what the whole leads to, wherever its beginning was dropped."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridstress.verify.intake import Intake
from gridstress.verify.recompute import Recomputed, drop, recompute, work_out
from tests.gridstress.verify.samples import GRID, HOUR, SETTINGS, end, frame, load
from topology.messages import MeasurementFrame

BOUNDED = SETTINGS.model_copy(update={"max_ahead_s": 5 * HOUR})
stresses = st.sampled_from([-1.0, 0.1, 0.4, 1.0, 2.5])


@st.composite
def runs(draw: st.DrawFn) -> list[MeasurementFrame]:
    """Some hours of both zones in turn, late and repeated rows and a gap among them, to the end."""
    frames: list[MeasurementFrame] = []
    hour, seq = 0.0, 0
    for _ in range(draw(st.integers(4, 14))):
        for zone, nodes in (("North", 2), ("South", 1)):
            values = [[load(draw(stresses)) for _ in range(nodes)]]
            frames.append(frame(zone, seq, [hour], values))
        if draw(st.integers(0, 3)) == 0:
            frames.append(draw(st.sampled_from(frames)))
        seq += 1
        hour += draw(st.sampled_from([1, 1, 1, 0.5, 2, -0.5, -3, 4, 5]))
    return [*frames, end("North", seq, hour + 1), end("South", seq, hour + 1)]


def take(intake: Intake, frames: list[MeasurementFrame]) -> None:
    for one in frames:
        intake.add(one, GRID, BOUNDED.max_ahead_s)


def windows(found: Recomputed, model: str) -> dict[float, list[float]]:
    """The final windows that do not lie in the past, by their end."""
    stress = found.models[model].stress
    return {float(found.ends_s[i]): list(stress[i]) for i in range(found.first, found.closed)}


@given(runs(), st.data())
def test_windows_and_alarms_are_those_of_the_whole_run(
    frames: list[MeasurementFrame], data: st.DataObject
) -> None:
    whole = recompute(frames, GRID, BOUNDED)
    intake, past = Intake.of("r1", GRID, BOUNDED.lateness_s), None
    seen: dict[str, dict[float, list[float]]] = {model: {} for model in whole.models}
    alerts = {model: {} for model in whole.models}
    while frames:
        size = data.draw(st.integers(1, len(frames)))
        take(intake, frames[:size])
        frames = frames[size:]
        tail = work_out(intake, GRID, BOUNDED, past)
        for model in whole.models:
            seen[model] |= windows(tail, model)
            alerts[model] |= {a.alert_id: a for a in tail.alerts(model)}
        if tail.closed > tail.first:
            at = data.draw(st.integers(tail.first, tail.closed - 1))
            steps = {model: result.decisions for model, result in tail.models.items()}
            past = drop(tail, float(tail.ends_s[at]), steps)
    for model in whole.models:
        ours = windows(whole, model)
        assert seen[model].keys() == ours.keys()
        np.testing.assert_allclose([seen[model][e] for e in ours], list(ours.values()), rtol=1e-12)
        theirs = {a.alert_id: a for a in whole.alerts(model)}
        assert alerts[model].keys() == theirs.keys()
        for alert_id, alert in theirs.items():
            mine = alerts[model][alert_id]
            numbers = {"sources": [], "risk_score": 0, "peak_risk": 0}
            assert msgspec.structs.replace(mine, **numbers) == (
                msgspec.structs.replace(alert, **numbers)
            )
            assert mine.peak_risk == pytest.approx(alert.peak_risk, rel=1e-12)
            assert [s.share for s in mine.sources] == pytest.approx(
                [s.share for s in alert.sources]
            )


def test_what_is_held_does_not_grow() -> None:
    intake, past = Intake.of("r1", GRID, SETTINGS.lateness_s), None
    for hour in range(200):
        for zone, nodes in (("North", 2), ("South", 1)):
            intake.add(frame(zone, hour, [hour], [[load(1)] * nodes]), GRID, 0)
        tail = work_out(intake, GRID, SETTINGS, past)
        assert len(tail.ends_s) <= 8
        if tail.closed > tail.first:
            steps = {model: result.decisions for model, result in tail.models.items()}
            past = drop(tail, float(tail.ends_s[tail.closed - 1]), steps)
        assert all(len(zone.blocks) <= 5 for zone in intake.zones.values())


def test_a_repetition_of_a_dropped_row_is_no_difference() -> None:
    intake = Intake.of("r1", GRID, SETTINGS.lateness_s)
    first = frame("North", 0, [0], [[load(1), load(1)]])
    take(intake, [first, *(frame("North", h, [h], [[load(1)] * 2]) for h in range(1, 9))])
    take(intake, [frame("South", h, [h], [[load(1)]]) for h in range(9)])
    tail = work_out(intake, GRID, SETTINGS)
    drop(tail, 6 * HOUR, {})
    take(intake, [first])
    zone = intake.zones["North"]
    assert (zone.duplicates, zone.conflicts, zone.notes) == (1, [], [])
