"""What a reader of a changelog applies, doubts and mends, without a broker.

With brokers: `test_recovery_after_kill.py`.
"""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from gridstress.faust_fixes.errors import FaustFixError
from gridstress.faust_fixes.fencing import MAX_NUMBER, NO_OWNER, Epoch, counts
from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.faust_fixes.takeover import ChangelogReplica

ME, OTHER = "aaaaaaaa", "bbbbbbbb"
LOG = TP("changelog", 2)


class Table:
    """Notes which partitions are dropped."""

    def __init__(self) -> None:
        self.dropped: list[int] = []

    def drop(self, partition: int) -> None:
        self.dropped.append(partition)


def record(offset: int, epoch: Epoch, key: bytes | None) -> Any:
    return SimpleNamespace(offset=offset, headers=[epoch.header], key=key, value=b"%d" % offset)


def log_of(*entries: tuple[Epoch, bytes | None]) -> list[Any]:
    return [record(offset, *entry) for offset, entry in enumerate(entries)]


def new_copy() -> ChangelogReplica:
    return ChangelogReplica(LOG, cast(Any, Table()), ME)


def fence(number: int, owner: str) -> tuple[Epoch, bytes]:
    epoch = Epoch(number, owner)
    return epoch, epoch.fence_key


entries = st.lists(
    st.tuples(
        st.builds(Epoch, st.integers(1, 4), st.sampled_from([ME, OTHER])),
        st.sampled_from([b"x", b"y", b"z"]),
    )
)


@given(entries)
def test_a_fresh_copy_is_the_last_counting_value_of_each_key(
    log: list[tuple[Epoch, bytes]],
) -> None:
    copy, table = new_copy(), {}
    for each in log_of(*log):
        for applied in copy.take([each]) or ():
            table[applied.key] = applied.value
    current, expected, last_counts = NO_OWNER, {}, {}
    for offset, (epoch, key) in enumerate(log):
        last_counts[key] = counts(epoch, current)
        if last_counts[key]:
            current, expected[key] = epoch, b"%d" % offset
    assert table == expected
    assert copy.overlaid == {key for key, counted in last_counts.items() if not counted}
    assert copy.position == len(log)


@given(entries)
def test_a_table_is_kept_only_if_all_that_counts_is_its_own(
    log: list[tuple[Epoch, bytes]],
) -> None:
    copy = new_copy()
    copy.current, copy.agreed = Epoch(2, ME), True
    kept = copy.take(log_of(*log)) is not None
    current, all_own = Epoch(2, ME), True
    for epoch, _ in log:
        counted = counts(epoch, current)
        all_own &= counted == (epoch.owner == ME)
        current = epoch if counted else current
    assert kept == all_own


def test_own_records_are_not_applied_again_to_a_table_that_made_them() -> None:
    copy = new_copy()
    copy.current, copy.agreed = Epoch(2, ME), True
    assert copy.take(log_of((Epoch(2, ME), b"x"), fence(3, ME), (Epoch(3, ME), b"x"))) == []


def test_a_worker_whose_own_writes_came_too_late_does_not_trust_its_table() -> None:
    copy = new_copy()
    copy.current, copy.agreed = Epoch(2, ME), True
    assert copy.take(log_of(fence(3, OTHER), (Epoch(2, ME), b"x"))) is None
    copy.restart()
    assert copy.table.dropped == [LOG.partition]  # type: ignore[attr-defined]
    assert copy == new_copy() or copy.position == 0
    found = copy.take(log_of(fence(2, ME), (Epoch(2, ME), b"x"), fence(3, OTHER)))
    assert [each.key for each in found or ()] == [b"x"]


def test_a_late_write_is_to_be_mended_until_its_key_is_written_again() -> None:
    copy = new_copy()
    copy.take(log_of(fence(1, OTHER), fence(2, ME), (Epoch(1, OTHER), b"x")))
    assert (copy.overlaid, copy.passed_over) == ({b"x"}, 1)
    copy.take([record(3, Epoch(2, ME), b"x")])
    assert copy.overlaid == set()


def test_a_fence_that_lost_is_passed_over_and_mends_nothing() -> None:
    copy = new_copy()
    copy.take(log_of(fence(1, ME), fence(1, OTHER)))
    assert (copy.current, copy.passed_over, copy.overlaid) == (Epoch(1, ME), 1, set())


def test_a_log_of_which_a_part_cannot_be_decoded_is_no_table() -> None:
    log = log_of((Epoch(1, OTHER), b"x"), (Epoch(1, OTHER), b"y"))
    log[1].value = Undecodable.of(b"batch", 1, ValueError("the checksum is wrong"))
    with pytest.raises(FaustFixError, match=r"changelog/2@1: .*checksum is wrong"):
        new_copy().take(log)


def test_an_epoch_without_a_successor_ends_the_take_over_at_once() -> None:
    """Else the worker would try for ever: its own fence could not be read."""
    with pytest.raises(FaustFixError, match=r"changelog/2@0: epoch 9+ has no successor"):
        new_copy().take(log_of((Epoch(MAX_NUMBER, OTHER), b"x")))


def test_records_that_others_have_written_count_for_nothing() -> None:
    log = log_of(fence(1, ME), (Epoch(1, ME), b"x"))
    odd: list[Any] = [
        None,
        (),
        (("epoch", None),),
        (("epoch", b"\xff"), ("epoch", b"9:")),
        [("x", b"")],
    ]
    log += [
        SimpleNamespace(offset=2 + n, headers=headers, key=key, value=None)
        for n, (headers, key) in enumerate((h, k) for h in odd for k in (None, b"x", b"\x00f"))
    ]
    copy = new_copy()
    taken = copy.take(log)
    assert taken is not None
    assert [record.offset for record in taken] == [1]
    assert (copy.current, copy.passed_over) == (Epoch(1, ME), 15)
    assert copy.overlaid == {b"x", b"\x00f"}
