"""Partitions of a topic are merged by time; one that is ahead waits, but not for ever."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from gridstress.faust_fixes.partition_merge import HOLD_S, FetchBuffer, merge_time_ms
from topology.messages import SENT_MS

A, B, C = TP("zones", 0), TP("zones", 1), TP("zones", 2)
X, Y = TP("other", 0), TP("other", 1)


def record(at_ms: int, *headers: tuple[str, bytes]) -> Any:
    return SimpleNamespace(timestamp=at_ms, headers=headers)


def records(*times: int) -> list[Any]:
    return [record(at) for at in times]


@pytest.fixture
def hand() -> FetchBuffer:
    return FetchBuffer(merged=["zones"])


def given_out(
    hand: FetchBuffer,
    flowing: Collection[TP],
    *,
    full: Collection[TP] = (),
    behind: Collection[TP] = (),
    now_s: float = 0.0,
) -> list[tuple[TP, int]]:
    """All that may be delivered now: partition and time."""
    found = []
    while (one := hand.next(flowing, full, lambda tp: tp in behind, now_s)) is not None:
        found.append((one[0], one[1].timestamp))
    return found


def test_partitions_are_merged_by_time(hand: FetchBuffer) -> None:
    hand.add({A: records(1, 4, 5), B: records(2, 3, 6)})
    assert given_out(hand, [A, B]) == [(A, 1), (B, 2), (B, 3), (A, 4), (A, 5), (B, 6)]
    assert not hand


def test_at_the_same_time_the_first_partition_comes_first(hand: FetchBuffer) -> None:
    hand.add({B: records(1, 2), A: records(1, 2)})
    assert given_out(hand, [A, B]) == [(A, 1), (B, 1), (A, 2), (B, 2)]


def test_one_that_is_ahead_waits_for_one_that_has_more_in_the_log(hand: FetchBuffer) -> None:
    hand.add({A: records(1, 9), B: records(2)})
    assert given_out(hand, [A, B], behind=[B]) == [(A, 1), (B, 2)]
    assert hand.holds(A)
    hand.add({B: records(3)})
    assert given_out(hand, [A, B]) == [(B, 3), (A, 9)]


def test_one_that_is_at_its_end_is_not_waited_for(hand: FetchBuffer) -> None:
    hand.add({A: records(1, 9)})
    assert given_out(hand, [A, B]) == [(A, 1), (A, 9)]


def test_one_that_is_not_ours_is_not_waited_for(hand: FetchBuffer) -> None:
    hand.add({A: records(1)})
    assert given_out(hand, [A], behind=[B]) == [(A, 1)]


def test_one_that_never_comes_is_waited_for_only_so_long(hand: FetchBuffer) -> None:
    hand.add({A: records(1)})
    assert given_out(hand, [A, B], behind=[B], now_s=100.0) == []
    assert given_out(hand, [A, B], behind=[B], now_s=100.0 + HOLD_S / 2) == []
    assert given_out(hand, [A, B], behind=[B], now_s=100.0 + HOLD_S) == [(A, 1)]


def test_the_patience_is_new_after_it_has_come(hand: FetchBuffer) -> None:
    hand.add({A: records(1, 3)})
    assert given_out(hand, [A, B], behind=[B], now_s=0.0) == []
    hand.add({B: records(2)})
    assert given_out(hand, [A, B], behind=[B], now_s=HOLD_S) == [(A, 1), (B, 2)]
    assert given_out(hand, [A, B], behind=[B], now_s=HOLD_S * 1.5) == []


def test_other_topics_take_turns_and_do_not_wait(hand: FetchBuffer) -> None:
    hand.add({X: records(5, 6), Y: records(1), A: records(1)})
    found = given_out(hand, [X, Y, A, B], behind=[B, Y])
    assert found == [(X, 5), (Y, 1), (X, 6)]
    assert hand.holds(A)


def test_topics_take_turns(hand: FetchBuffer) -> None:
    hand.add({X: records(1, 2), A: records(1, 2)})
    assert [tp.topic for tp, _ in given_out(hand, [X, A])] == ["other", "zones"] * 2


def test_nothing_is_given_of_a_topic_whose_stream_has_enough(hand: FetchBuffer) -> None:
    hand.add({A: records(1), B: records(2), X: records(1)})
    assert given_out(hand, [B, X], full=[A]) == [(X, 1)]
    assert given_out(hand, [A, B, X]) == [(A, 1), (B, 2)]


def test_nothing_is_given_of_a_partition_that_does_not_flow(hand: FetchBuffer) -> None:
    hand.add({A: records(1), B: records(2)})
    assert given_out(hand, [B]) == [(B, 2)]
    assert hand.holds(A)


def test_what_is_forgotten_does_not_come(hand: FetchBuffer) -> None:
    hand.add({A: records(1), B: records(2), X: records(3)})
    hand.forget([A])
    assert given_out(hand, [A, B, X]) == [(B, 2), (X, 3)]
    hand.add({A: records(1)})
    hand.clear()
    assert not hand
    assert given_out(hand, [A]) == []


def test_a_frame_made_of_measurements_goes_by_their_time() -> None:
    assert merge_time_ms(record(7), SENT_MS) == 7
    assert merge_time_ms(record(7, ("epoch", b"1"), (SENT_MS, b"3")), SENT_MS) == 3
    assert merge_time_ms(record(7, (SENT_MS, b"soon")), SENT_MS) == 7


def test_partitions_are_merged_by_the_time_in_the_header() -> None:
    hand = FetchBuffer(merged=["zones"], time_header=SENT_MS)
    hand.add({A: [record(9, (SENT_MS, b"1"))], B: [record(2)]})
    assert given_out(hand, [A, B]) == [(A, 9), (B, 2)]


@given(st.lists(st.lists(st.integers(0, 50), max_size=8), min_size=3, max_size=3), st.data())
def test_however_fetches_come_each_partition_keeps_its_order_and_nothing_is_lost(
    times: list[list[int]], data: st.DataObject
) -> None:
    hand, waiting = FetchBuffer(merged=["zones"]), dict(zip((A, B, C), times, strict=True))
    found: list[tuple[TP, int]] = []
    while any(waiting.values()):
        tp = data.draw(st.sampled_from([tp for tp in waiting if waiting[tp]]))
        size = data.draw(st.integers(1, len(waiting[tp])))
        hand.add({tp: records(*waiting[tp][:size])})
        waiting[tp] = waiting[tp][size:]
        found += given_out(hand, [A, B, C], behind=[tp for tp in waiting if waiting[tp]])
    found += given_out(hand, [A, B, C])
    for tp, sent in zip((A, B, C), times, strict=True):
        assert [at for owner, at in found if owner == tp] == sent
    if all(one == sorted(one) for one in times):
        assert [at for _, at in found] == sorted(at for one in times for at in one)
