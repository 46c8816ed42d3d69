"""A run that an earlier version has begun goes on: no open episode is lost or doubled."""

import msgspec
import pytest

from gridstress.verify.compare import compare
from gridstress.verify.recompute import recompute
from tests.agents.test_any_delivery import GRID, MODEL, NODES, SETTINGS, Run, propagated
from tests.support.frames import at, ended
from tests.support.older_tables import in_schema
from topology.codec import decode, encode
from topology.messages import MeasurementFrame, RiskAlert

LOADS = [90.0, 92.0, 93.0, 94.0, 10.0, 10.0, 10.0, 10.0, 95.0, 96.0, 10.0, 10.0, 10.0, 10.0]
"""MW of `a` by hour: two episodes, with a calm between them."""
UPGRADED = 4
"""Hour before which another version takes over: the first episode is open."""


def hours(first: int, stop: int) -> list[MeasurementFrame]:
    """Both zones' rows in turn; only `a` is stressed."""
    return [
        MeasurementFrame(
            run="r", zone=zone, seq=hour, timestamps=[at(hour)], nodes=nodes,
            load_mw=[[LOADS[hour] if zone == "north" else 10.0, 10.0]],
        )
        for hour in range(first, stop)
        for zone, nodes in NODES.items()
    ]  # fmt: skip


async def work(run: Run, frames: list[MeasurementFrame]) -> None:
    for frame in frames:
        for part in propagated(frame):
            await run.feed(part)


def age(run: Run, schema: int) -> None:
    """Turn what was written and sent into what an earlier version would have left."""
    for store in run.stores:
        for values in store.shards.values():
            values |= {key: in_schema(schema, key, value) for key, value in values.items()}
    for record in run.alerts.sent:
        alert = decode(record["value"], RiskAlert)
        record["value"] = encode(msgspec.structs.replace(alert, peak_risk=None))
    run.restart()


@pytest.mark.parametrize("schema", [1, 2, 3])
async def test_an_open_episode_goes_on_without_a_peak_and_the_next_one_has_it(schema: int) -> None:
    run = Run()
    before = hours(0, UPGRADED)
    after = [*hours(UPGRADED, len(LOADS)), *(ended(zone, len(LOADS)) for zone in NODES)]
    await work(run, before)
    assert len(run.alerts.sent) > 0
    age(run, schema)
    await work(run, after)
    outcome = compare(recompute([*before, *after], GRID, SETTINGS), run.observed())[MODEL]
    assert outcome.ok, outcome.problems
    alerts = [decode(record["value"], RiskAlert) for record in run.alerts.sent]
    of_a = [alert for alert in alerts if alert.node_id == "a"]
    assert [(x.state, x.peak_risk is None) for x in of_a] == [
        ("RAISED", True),
        ("ESCALATED", True),
        ("CLEARED", True),
        ("RAISED", False),
        ("CLEARED", False),
    ]
    assert len({x.episode_id for x in of_a}) == 2
