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


def fault(
    kind: str, seed: int, hold_s: float, how: str = "", at: float = 0.0, count: int = 0
) -> Fault:
    return Fault((Act(kind, seed, hold_s, how, at, count),), after=0.05, settled=True)


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
        fault("short_runs", 0, 0.0, count=12),
        fault("odd_records", 0, 0.0),
        fault("other_settings", 0, 0.0, "GRIDSTRESS_LEVEL_WARNING=0.55"),
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
    assert record["short_runs"] == len(acts["short_runs"]["to_be_verified"])
    assert min(acts["odd_records"]["taken"].values()) > 15
    assert "GRIDSTRESS_LEVEL_WARNING is 0.55, the group's 0.5" in acts["other_settings"]["refused"]


async def test_a_cluster_of_three_survives_the_loss_of_a_leader(tmp_path: Path) -> None:
    schedule = Schedule(0, 2, (fault("leader_kill", 1, 0.0, "grid_measurements"),))
    campaign = Campaign(SEED, [schedule], WEEKS, tmp_path, environment=HASTY)
    with quick_java():
        assert await campaign.run(), campaign.results.read_text("utf-8")[:5000]
    (record,) = campaign.records()
    assert record["brokers"] == 3
    (act,) = record["faults"][0]["acts"]
    assert act["elected_s"] > 0
