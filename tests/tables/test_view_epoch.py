import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.view_epoch import HEADER, NO_EPOCH, ViewEpoch

NAMES = st.text("abz09_.-", min_size=1)
EPOCHS = st.builds(ViewEpoch, st.integers(1, 10**18 - 1), NAMES)


@given(EPOCHS)
def test_a_header_is_read_as_it_was_written(epoch: ViewEpoch) -> None:
    assert ViewEpoch.of([("other", b"x"), epoch.header]) == epoch


@pytest.mark.parametrize(
    "raw",
    [None, b"", b":", b"x:log", b"-1:log", b"1e3:log", b"9" * 19 + b":log", b"1:\xff", b"\xb2:l",
     b"1:" + b"l" * 1000],
)  # fmt: skip
def test_what_cannot_be_read_is_no_epoch(raw: bytes | None) -> None:
    assert ViewEpoch.of([(HEADER, raw)]) == NO_EPOCH


def test_no_header_is_no_epoch() -> None:
    assert ViewEpoch.of([]) == NO_EPOCH


@given(EPOCHS, EPOCHS)
def test_in_one_changelog_the_greater_number_wins_and_then_the_log(
    one: ViewEpoch, other: ViewEpoch
) -> None:
    other = other._replace(changelog=one.changelog)
    assert one.replaces(one)
    assert one.replaces(other) == (one.number >= other.number)


@given(EPOCHS)
def test_without_an_epoch_is_lowest(epoch: ViewEpoch) -> None:
    assert epoch.replaces(NO_EPOCH)
    assert not NO_EPOCH.replaces(epoch)
    assert NO_EPOCH.replaces(NO_EPOCH)
