from types import SimpleNamespace

import pytest

from ui.api.broker_clock import HOLDS_S, BrokerClock, appended_at


class Ticks:
    """Seconds that pass when a test says so."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("kind", "at_s", "taken"),
    [(1, 1000.0, 1000.0), (1, 10.0, 10.0), (0, 10.0, 10.0), (0, 1000.0, 100.0)],
)
def test_a_senders_time_is_believed_no_further_than_the_reading(
    kind: int, at_s: float, taken: float
) -> None:
    record = SimpleNamespace(timestamp=at_s * 1000, timestamp_type=kind)
    assert appended_at(record, now_s=100.0) == taken


def test_it_goes_on_between_records_and_late_ones_do_not_set_it_back() -> None:
    ticks = Ticks()
    clock = BrokerClock(ticks)
    clock.saw(1000.0)
    ticks.now += 5
    assert clock.now() == 1005.0
    clock.saw(1003.0)
    assert clock.now() == 1005.0
    clock.saw(1006.0)
    assert clock.now() == 1006.0


def test_a_history_that_is_read_at_once_ends_at_its_newest_record() -> None:
    clock = BrokerClock(Ticks())
    for at_s in (10.0, 500.0, 20.0):
        clock.saw(at_s)
    assert clock.now() == 500.0


def test_a_broker_whose_clock_is_set_back_is_followed_after_a_while() -> None:
    ticks = Ticks()
    clock = BrokerClock(ticks)
    clock.saw(1000.0)
    for _ in range(int(HOLDS_S) + 1):
        ticks.now += 1
        clock.saw(400.0 + ticks.now)
    assert clock.now() == 400.0 + ticks.now
