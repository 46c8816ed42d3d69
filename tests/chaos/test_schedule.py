from collections import Counter

import pytest

from tests.chaos.acts import ACTS
from tests.chaos.schedule import (
    CLOCKS_S,
    CUTS,
    KINDS,
    LED,
    LOSSES,
    MINIMUM,
    PAIRED,
    REPLICATED,
    SETTINGS,
    plan,
    tally,
)  # fmt: skip


def test_a_seed_gives_the_same_schedules_always() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


@pytest.mark.parametrize("seed", range(20))
def test_the_full_plan_strikes_as_often_as_was_promised(seed: int) -> None:
    assert tally(f for schedule in plan(seed) for f in schedule.faults) == MINIMUM


@pytest.mark.parametrize("seed", range(20))
def test_faults_stay_within_their_bounds(seed: int) -> None:
    schedules = plan(seed)
    assert [s.number for s in schedules] == list(range(len(schedules)))
    for schedule in schedules:
        assert schedule.workers in (2, 3)
        assert not any(fault.sending for fault in schedule.faults[1:])
        parting = [fault.parting for fault in schedule.faults]
        assert parting == sorted(parting)  # last
        for fault in schedule.faults:
            assert len({act.kind for act in fault.acts}) == len(fault.acts) in (1, 2)
            for act in fault.acts:
                assert len(fault.acts) == 1 or act.kind in PAIRED
                if act.kind == "zombie":
                    assert act.hold_s > 8  # the session time-out
                if act.kind == "kill":
                    assert 0 <= act.hold_s <= 10
                if act.kind == "unreachable":
                    assert 5 <= act.hold_s <= 60


def test_every_kind_can_be_done() -> None:
    assert set(ACTS) == set(KINDS)


@pytest.mark.parametrize("seed", range(20))
def test_three_brokers_are_there_where_they_are_needed_and_last(seed: int) -> None:
    sizes = [schedule.brokers for schedule in plan(seed)]
    assert sizes == sorted(sizes)
    for schedule in plan(seed):
        needed = any(act.kind in REPLICATED for fault in schedule.faults for act in fault.acts)
        assert schedule.brokers == (3 if needed else 1)
    assert sizes.count(3) == 2


def test_old_kinds_and_new_ones_meet_in_a_schedule() -> None:
    hands = [{fault.kind for fault in schedule.faults} for schedule in plan(7)]
    assert any(hand & set(PAIRED) and hand - {*PAIRED, "two"} for hand in hands)


def test_every_way_of_breaking_is_drawn() -> None:
    acts = [a for seed in range(3) for s in plan(seed) for f in s.faults for a in f.acts]
    ways = Counter((act.kind, act.how) for act in acts)
    assert {how for kind, how in ways if kind == "unreachable"} == set(CUTS)
    assert {how for kind, how in ways if kind == "state_lost"} == set(LOSSES)
    assert {how for kind, how in ways if kind == "rebalance"} == {"add", "take"}
    assert {how for kind, how in ways if kind == "other_settings"} == set(SETTINGS)
    assert {how for kind, how in ways if kind == "leader_kill"} == set(LED)
    assert {how for kind, how in ways if kind == "clock"} == set(CLOCKS_S)


def test_one_kind_alone_can_be_asked_for() -> None:
    assert tally(f for s in plan(1, {"zombie": 3}) for f in s.faults) == {"zombie": 3}
