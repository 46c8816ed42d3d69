import random

import pytest

from gridstress.settings import load_settings
from gridstress.verify.recompute import recompute
from tests.chaos.short_runs import short_run
from topology.codec import decode
from topology.loaders import load_grid
from topology.messages import MeasurementFrame

GRID = load_grid("germany")


def frames(seed: int, *, odd_clock: bool) -> list[MeasurementFrame]:
    sent = short_run(random.Random(seed), GRID, "r", odd_clock=odd_clock)
    return [decode(value, MeasurementFrame) for _, value in sent]


@pytest.mark.parametrize("seed", range(5))
def test_every_zone_has_two_to_ten_rows_numbered_in_order_and_an_end(seed: int) -> None:
    for zone in GRID.zones:
        own = [frame for frame in frames(seed, odd_clock=False) if frame.zone == zone]
        numbers = [frame.seq + i for frame in own for i in range(len(frame.timestamps))]
        assert numbers == list(range(len(numbers)))
        assert 3 <= len(numbers) <= 11
        assert [frame.final for frame in own] == [False] * (len(own) - 1) + [True]


def test_a_seed_gives_the_same_run_always() -> None:
    assert frames(3, odd_clock=True) == frames(3, odd_clock=True)
    assert frames(3, odd_clock=True) != frames(4, odd_clock=True)


@pytest.mark.parametrize("seed", range(5))
def test_an_odd_clock_has_rows_that_are_late_and_rows_that_are_too_far_ahead(seed: int) -> None:
    settings = load_settings()
    even = recompute(frames(seed, odd_clock=False), GRID, settings).intake.zones.values()
    assert not any(zone.late_seqs or zone.ahead_seqs for zone in even)
    odd = recompute(frames(seed, odd_clock=True), GRID, settings).intake.zones.values()
    assert any(zone.late_seqs for zone in odd)
    assert any(zone.ahead_seqs for zone in odd)
