"""A short slice of the campaign: a fixed seed, a few weeks of frames, one fault of each kind."""

from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.schedule import Act, Fault, Schedule
from tests.support.shared_kafka import quick_java

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(420)]

SEED = 20250101
WEEKS = ("--start", "2025-01-01", "--until", "2025-02-12")
SESSION_S = 3
HASTY = {"GRIDSTRESS_SESSION_TIMEOUT_S": f"{SESSION_S}"}


def fault(kind: str, victim: int, hold_s: float, how: str = "", at: float = 0.0) -> Fault:
    return Fault((Act(kind, victim, hold_s, how, at),), after=0.05, settled=True)


SCHEDULE = Schedule(
    0,
    2,
    (
        fault("replayer_kill", 0, 0.5, at=0.4),
        fault("kill", 0, 1.0),
        fault("stop", 1, 0.0),
        fault("zombie", 0, SESSION_S + 1.5),
        fault("unreachable", 1, SESSION_S + 1.5, "cut one"),
        fault("state_lost", 0, 0.0, "deleted"),
    ),
)


async def test_a_year_in_small_survives_one_fault_of_each_kind(tmp_path: Path) -> None:
    campaign = Campaign(SEED, [SCHEDULE], WEEKS, tmp_path, environment=HASTY)
    with quick_java():
        assert await campaign.run(), campaign.results.read_text("utf-8")[:5000]
    (record,) = campaign.records()
    assert [f["fault"] for f in record["faults"]] == [f.kind for f in SCHEDULE.faults]
    acts = {act["kind"]: act for f in record["faults"] for act in f["acts"]}
    assert acts["replayer_kill"]["was_sending"]
    assert record["resumed"] >= 1
    assert acts["stop"]["orderly"]
    assert acts["kill"]["recovery_s"] > 0
