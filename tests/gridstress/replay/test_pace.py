"""When rows are due, on a clock that jumps."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gridstress.replay.pace import MAX_SPEED, Pace, Speed, batch_for, parse_speed
from gridstress.replay.schedule import MAX_BATCH
from tests.gridstress.replay.test_replayer import Jumping
from tests.support.frames import at
from topology.clock import HOUR_S
from topology.errors import UsageError
from topology.messages import RiskAlert

Sent = list[tuple[float, int]]
"""By row: when it was due, s, and its hour."""


def alert(hour: float, state: str = "RAISED", node: str = "n") -> RiskAlert:
    return RiskAlert(
        alert_id=f"{node}-{hour}-{state}",
        episode_id=node,
        model="linear",
        run="r",
        node_id=node,
        timestamp=at(hour),
        window_start=at(hour - 6),
        window_end=at(hour),
        risk_score=0.6,
        level="WARNING",
        state=state,  # type: ignore[arg-type]
        sources=[],
    )


def rows(pace: Pace, until: int, *events: tuple[float, Callable[[], None]]) -> Sent:
    """Send rows of single hours up to ``until``; ``events`` happen at their times, s."""
    begin_s = at(0).timestamp()

    async def play() -> Sent:
        loop, sent = asyncio.get_running_loop(), Sent()
        for when, act in events:
            loop.call_at(when, act)
        loop.call_at(1e6, pace.stop)
        for hour in range(until):
            await pace.until_due(begin_s + hour * HOUR_S)
            if pace.stopped:
                break
            pace.sent(begin_s + hour * HOUR_S)
            sent.append((round(loop.time(), 3), hour))
        return sent

    return run(play())


def run(play: Coroutine[Any, Any, Sent]) -> Sent:
    with asyncio.Runner(loop_factory=Jumping) as runner:
        return runner.run(play)


def test_a_pause_lasts_until_it_is_resumed_and_nothing_is_caught_up() -> None:
    pace = Pace(Speed(3600))
    sent = rows(pace, 5, (1.5, pace.pause), (100, pace.resume))
    assert sent == [(0, 0), (1, 1), (100, 2), (101, 3), (102, 4)]


def test_a_step_is_an_hour_and_pauses() -> None:
    pace = Pace(Speed(3600))
    sent = rows(pace, 5, (1.5, pace.step), (10, pace.step), (10, pace.step), (50, pace.resume))
    assert sent == [(0, 0), (1, 1), (1.5, 2), (10, 3), (10, 4)]


def test_a_new_speed_goes_on_from_the_row_that_was_sent_last() -> None:
    pace = Pace(Speed(3600))
    faster = Speed(36_000)
    assert rows(pace, 5, (1.05, lambda: pace.set_speed(faster))) == [
        *((0, 0), (1, 1), (1.1, 2), (1.2, 3), (1.3, 4))
    ]


def test_a_faster_speed_after_a_long_wait_catches_nothing_up() -> None:
    pace = Pace(Speed(36))
    sent = rows(pace, 4, (90, lambda: pace.set_speed(Speed(3600))))
    assert sent == [(0, 0), (90, 1), (91, 2), (92, 3)]


def test_to_the_next_alarm_it_hurries_ahead_of_the_results_and_then_is_as_before() -> None:
    pace = Pace(Speed(3600), lateness_s=HOUR_S)
    begin_s = at(0).timestamp()
    sent = rows(
        pace,
        30,
        (0.5, pace.pause),
        (10, pace.go_to_alarm),
        (10.25, lambda: pace.take_window(begin_s + 8 * HOUR_S)),
        (10.5, lambda: pace.take_alert(alert(9))),
        (20, pace.stop),
    )
    hurried = [hour for when, hour in sent if when == 10]
    assert hurried == list(
        range(1, 9)
    )  # with a message of 6 h more it would be ahead by more than 12
    assert [hour for when, hour in sent if when == 10.25] == list(range(9, 18))
    assert sent[-1] == (10.25, 17)  # paused again


def test_an_alarm_that_was_known_before_the_command_is_not_the_next_one() -> None:
    pace = Pace(Speed(3600), lateness_s=HOUR_S)
    sent = rows(
        pace,
        9,
        (4, lambda: pace.take_alert(alert(2))),
        (4.5, pace.pause),
        (10, pace.go_to_alarm),
        (10, lambda: pace.take_alert(alert(2))),  # read again
        (20, pace.stop),
    )
    assert [when for when, _ in sent[5:]] == [10] * 4
    assert pace.to_alarm


def test_an_alarm_of_rows_sent_before_the_command_is_the_next_one() -> None:
    pace = Pace(Speed(3600), lateness_s=HOUR_S)
    rows(pace, 9, (4.5, pace.pause), (10, pace.go_to_alarm), (20, pace.stop))
    pace.take_alert(alert(2))
    assert not pace.to_alarm


def test_an_alarm_that_is_open_already_slows_down_what_begins_to_hurry() -> None:
    pace = Pace(Speed(3600), lateness_s=HOUR_S)
    pace.take_alert(alert(2))
    sent = rows(pace, 5, (1.5, lambda: pace.set_speed(Speed(hurries=True))))
    assert [when for when, _ in sent] == [0, 1, 2, 3, 4]


def test_alarms_that_come_and_go_do_not_let_it_get_further_ahead() -> None:
    pace = Pace(Speed(hurries=True), lateness_s=HOUR_S)
    toggled = [
        (0.1 * i, lambda i=i: pace.take_alert(alert(5, "CLEARED" if i % 2 else "RAISED", f"n{i}")))
        for i in range(1, 9)
    ]
    sent = rows(pace, 40, *toggled, (0.95, pace.stop))
    assert sent[-1][1] <= 12


@pytest.mark.parametrize("step_s", [60, 300, 900, 3600])
@pytest.mark.parametrize("lateness_s", [0, 3600, 43_200])
@pytest.mark.parametrize("period_s", [60, 900, 3600])
def test_it_neither_stalls_nor_gets_further_ahead_whatever_the_windows_are(
    step_s: int, lateness_s: int, period_s: int
) -> None:
    pace = Pace(Speed(hurries=True), step_s=step_s, lateness_s=lateness_s)
    begin_s = at(0).timestamp()

    async def play() -> Sent:
        loop, time_s, ahead = asyncio.get_running_loop(), begin_s, 0.0
        for _ in range(200):
            await pace.until_due(time_s)
            last_s = time_s + (pace.rows(period_s) - 1) * period_s
            pace.sent(time_s, last_s)
            final_s = last_s - step_s - lateness_s
            ahead = max(ahead, last_s - (pace._final_s or 0) - step_s - lateness_s)
            pace.take_window(final_s)
            time_s = last_s + period_s
        return [(loop.time(), int(ahead))]

    ((took_s, ahead_s),) = run(play())
    assert took_s == 0  # no window was waited for
    assert ahead_s <= max(12 * step_s, period_s)


def test_a_gap_in_the_data_is_passed_at_once_when_it_hurries() -> None:
    pace, begin_s = Pace(Speed(hurries=True), lateness_s=HOUR_S), at(0).timestamp()

    async def play() -> Sent:
        sent = Sent()
        for hour in (0, *range(1, 481)):
            await pace.until_due(begin_s + hour * HOUR_S)
            if hour in (0, 480):  # there are no rows in between
                pace.sent(begin_s + hour * HOUR_S)
                sent.append((asyncio.get_running_loop().time(), hour))
        return sent

    assert run(play()) == [(0.0, 0), (0.0, 480)]


def test_what_was_sent_at_full_speed_is_not_waited_for_later() -> None:
    pace = Pace(Speed(MAX_SPEED))
    begin_s = at(0).timestamp()

    async def play() -> Sent:
        loop, sent = asyncio.get_running_loop(), Sent()
        for hour in range(5_000):  # as the replayer does at full speed
            pace.sent(begin_s + hour * HOUR_S)
        pace.set_speed(Speed(3600))
        for hour in (5_000, 5_001):
            await pace.until_due(begin_s + hour * HOUR_S)
            pace.sent(begin_s + hour * HOUR_S)
            sent.append((loop.time(), hour))
        return sent

    assert run(play()) == [(1.0, 5_000), (2.0, 5_001)]


def test_a_step_that_was_not_begun_is_forgotten_when_it_is_resumed() -> None:
    pace = Pace(Speed(3600))
    sent = rows(pace, 4, (1.2, pace.step), (1.2, pace.resume), (2.5, pace.pause), (9, pace.stop))
    assert sent == [(0, 0), (1, 1), (2, 2)]


def test_without_results_it_goes_on_at_its_speed() -> None:
    pace = Pace(Speed(hurries=True), lateness_s=HOUR_S)
    sent = rows(pace, 16)
    assert [when for when, _ in sent] == [0.0] * 8 + [float(s) for s in range(1, 9)]


def test_it_slows_down_while_an_alarm_is_open() -> None:
    pace = Pace(Speed(hurries=True), lateness_s=HOUR_S)
    begin_s = at(0).timestamp()
    sent = rows(
        pace,
        30,
        (0.5, lambda: pace.take_alert(alert(10))),
        (0.6, lambda: pace.take_window(begin_s + 10 * HOUR_S)),
        (2.5, lambda: pace.take_alert(alert(12, "CLEARED"))),
    )
    assert [when for when, _ in sent[8:11]] == [1.0, 2.0, 2.5]
    assert [hour for when, hour in sent if when == 2.5] == list(range(10, 20))


def test_one_that_waits_is_stopped_at_once() -> None:
    pace = Pace(Speed(1))
    assert rows(pace, 5, (3, pace.stop)) == [(0, 0)]


def test_a_message_has_an_hour_when_it_steps_and_what_is_left_of_it() -> None:
    pace, begin_s = Pace(Speed(MAX_SPEED)), at(0).timestamp()
    assert pace.rows(900) == MAX_BATCH

    async def play() -> Sent:
        pace.step()
        found = Sent()
        for quarter in (0, 4, 6):
            if quarter == 6:
                pace.step()
            if quarter != 4:
                await pace.until_due(begin_s + 900 * quarter)
                found.append((0, pace.rows(900)))
        return found

    assert run(play()) == [(0, 4), (0, 4)]


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("3600", Speed(3600)),
        ("0.5", Speed(0.5)),
        ("MAX", Speed(MAX_SPEED)),
        (" auto ", Speed(hurries=True)),
    ],
)
def test_speeds_are_read_and_written(text: str, speed: Speed) -> None:
    assert parse_speed(text) == speed
    assert parse_speed(str(speed)) == speed


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", ""])
def test_other_speeds_are_refused_with_the_value(text: str) -> None:
    with pytest.raises(UsageError, match=f"{text!r}"):
        parse_speed(text)


def test_rows_share_messages_only_beyond_ten_a_second() -> None:
    assert batch_for(3600, 3600) == 1
    assert batch_for(10 * 3600, 3600) == 1
    assert batch_for(11 * 3600, 3600) == 2
    assert batch_for(10 * 3600, 900) == 4
    assert batch_for(1e9, 3600) == batch_for(MAX_SPEED, 3600) == MAX_BATCH


def calm_hours(pace: Pace, stressed: set[int], hours: int) -> Sent:
    """Sends hours while no window becomes final; when each was sent."""
    begin_s = at(0).timestamp()

    async def play() -> Sent:
        sent, hour = Sent(), 0
        while hour < hours:
            calm = next((h for h in range(hour, hours) if h in stressed), hours) - hour
            pace.next_s, pace.calm_s = begin_s + hour * HOUR_S, calm * HOUR_S
            await pace.until_due(begin_s + hour * HOUR_S)
            if pace.stopped:
                break
            count = pace.rows(HOUR_S)
            pace.sent(begin_s + hour * HOUR_S, begin_s + (hour + count - 1) * HOUR_S)
            sent += [(asyncio.get_running_loop().time(), h) for h in range(hour, hour + count)]
            hour += count
        return sent

    return run(play())


def test_through_rows_without_stress_it_waits_for_results_of_two_weeks_ago_only() -> None:
    pace = Pace(Speed(hurries=True), lateness_s=HOUR_S)
    sent = calm_hours(pace, set(), 400)
    at_once = [hour for time_s, hour in sent if time_s == 0]
    assert 336 - 24 <= max(at_once) < 336


def test_before_a_row_with_stress_the_results_are_waited_for() -> None:
    pace = Pace(Speed(hurries=True), lateness_s=HOUR_S)
    sent = calm_hours(pace, {100}, 130)
    assert max(hour for time_s, hour in sent if time_s == 0) < 100


def test_behind_a_row_with_stress_its_window_is_waited_for() -> None:
    pace = Pace(Speed(hurries=True), lateness_s=HOUR_S)
    sent = calm_hours(pace, {2}, 60)
    assert max(hour for time_s, hour in sent if time_s == 0) < 13
    pace = Pace(Speed(hurries=True), lateness_s=HOUR_S)
    pace.take_window(at(6).timestamp())
    assert {time_s for time_s, _ in calm_hours(pace, {2}, 60)} == {0.0}
