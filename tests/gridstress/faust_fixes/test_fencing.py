"""The epoch rule: who wins a number, and what of two owners' writes counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridstress.faust_fixes.fencing import NO_OWNER, Epoch, counts, is_fence

A, B = "aaaaaaaa", "bbbbbbbb"


def counted(log: list[Epoch]) -> list[int]:
    """Positions of the records that count."""
    current, found = NO_OWNER, []
    for position, epoch in enumerate(log):
        if counts(epoch, current):
            current = epoch
            found.append(position)
    return found


epochs = st.builds(Epoch, st.integers(0, 5), st.sampled_from([A, B]))


@given(st.lists(epochs))
def test_numbers_never_fall_and_a_number_has_one_owner(log: list[Epoch]) -> None:
    numbers = [log[position].number for position in counted(log)]
    assert numbers == sorted(numbers)
    owners = {log[position] for position in counted(log)}
    assert len({epoch.number for epoch in owners}) == len(owners)


@given(st.lists(epochs), epochs, st.lists(epochs))
def test_what_is_appended_later_never_changes_what_counted_before(
    log: list[Epoch], record: Epoch, later: list[Epoch]
) -> None:
    before = counted([*log, record])
    assert [p for p in counted([*log, record, *later]) if p <= len(log)] == before


@given(st.data())
def test_whatever_two_owners_interleave_only_the_winner_of_each_fence_writes(
    data: st.DataObject,
) -> None:
    """Each owner reads all, fences, reads its fence back, writes: in any interleaving."""
    log: list[Epoch] = []
    writers: dict[str, Epoch] = {}  # what each owner believes it may write under
    wishes: dict[str, Epoch] = {}  # fences that are on their way
    legal: list[int] = []
    for owner in data.draw(st.lists(st.sampled_from([A, B]), max_size=40)):
        step = data.draw(st.sampled_from(["read", "fence", "write"]))
        current = max((log[p] for p in counted(log)), default=NO_OWNER)
        if step == "read":
            wishes[owner] = Epoch(current.number + 1, owner)
        elif step == "fence" and owner in wishes:
            log.append(wish := wishes.pop(owner))
            won = wish.number > current.number
            assert (len(log) - 1 in counted(log)) == won
            if won:
                writers[owner] = wish
                legal.append(len(log) - 1)
        elif step == "write" and owner in writers:
            log.append(writers[owner])
            if writers[owner] == current:
                legal.append(len(log) - 1)
    assert counted(log) == legal


@given(st.integers(0, 10**17), st.text("0123456789abcdef", min_size=8, max_size=8))
def test_a_header_is_read_as_it_was_written(number: int, owner: str) -> None:
    epoch = Epoch(number, owner)
    assert Epoch.of([("other", b"1:x"), epoch.header]) == epoch
    assert is_fence(epoch.fence_key)


@given(st.binary())
def test_a_header_that_cannot_be_read_is_nobodys(raw: bytes) -> None:
    epoch = Epoch.of([("epoch", raw)])
    assert epoch == NO_OWNER or (epoch.number >= 0 and epoch.owner)


@pytest.mark.parametrize("key", [None, b"", b'["run",0,null]', b"fence"])
def test_entries_of_tables_are_no_fences(key: bytes | None) -> None:
    assert not is_fence(key)


def test_records_of_nobody_count_until_somebody_takes_over() -> None:
    assert counted([NO_OWNER, Epoch(1, A), NO_OWNER, Epoch(1, B)]) == [0, 1]


@given(st.lists(epochs, min_size=1), st.data())
def test_compaction_that_keeps_the_fences_changes_nothing(
    log: list[Epoch], data: st.DataObject
) -> None:
    """Fences, the first records of each epoch, have keys of their own and so are all kept."""
    fences = {log.index(epoch) for epoch in log}
    kept = [p for p in range(len(log)) if p in fences or data.draw(st.booleans())]
    after = {kept[p] for p in counted([log[p] for p in kept])}
    assert after == set(counted(log)) & set(kept)
