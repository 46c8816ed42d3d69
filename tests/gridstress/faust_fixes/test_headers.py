"""Whatever stands in a record's headers, reading it raises nothing."""

import pytest

from gridstress.admin.dead_letters import parse_dead_letter
from gridstress.faust_fixes.fencing import MAX_NUMBER, NO_OWNER, Epoch
from gridstress.faust_fixes.headers import as_number, as_text, known_headers
from gridstress.faust_fixes.partition_merge import merge_time_ms
from tests.support.memory import Message
from topology.messages import SENT_MS

ODD: tuple[bytes | None, ...] = (
    *(None, b"", b"\xff\xfe", b"-1", b"+1", b"1_0", b" 1 ", b"1e3", "١".encode()),
    *(b"9" * 30, b"9" * 5000, b"\x00", str(2**63).encode()),
)


def test_of_a_key_that_occurs_twice_the_last_with_a_value_counts() -> None:
    headers = (("a", b"1"), ("b", None), ("a", b"2"), ("a", None))
    assert known_headers(headers) == {"a": b"2"}
    assert known_headers(None) == known_headers(()) == {}


@pytest.mark.parametrize("value", ODD)
def test_a_header_that_is_no_number_is_none(value: bytes | None) -> None:
    assert as_number(value or b"") is None
    assert as_text(value or b"").encode() is not None


def test_numbers_are_read_up_to_a_limit() -> None:
    assert (as_number(b"007"), as_number(b"7", 7), as_number(b"8", 7)) == (7, 7, None)


@pytest.mark.parametrize("value", ODD)
def test_a_record_with_an_odd_time_of_sending_is_merged_by_its_own(value: bytes | None) -> None:
    record = Message(timestamp=1234)
    record.headers = ((SENT_MS, value),)  # type: ignore[attr-defined]
    assert merge_time_ms(record, SENT_MS) == 1234


@pytest.mark.parametrize("value", ODD)
def test_a_record_with_an_odd_epoch_has_none(value: bytes | None) -> None:
    assert Epoch.of([("epoch", value)]) == NO_OWNER
    assert Epoch.of([("epoch", b"%b:owner" % (value or b""))]) == NO_OWNER
    assert Epoch.of([("epoch", b"1:\xff%b" % (value or b""))]) == NO_OWNER
    assert Epoch.of([("epoch", b"%d:owner" % MAX_NUMBER)]).number == MAX_NUMBER


@pytest.mark.parametrize("value", ODD)
def test_a_dead_letter_with_odd_headers_can_be_laid_out(value: bytes | None) -> None:
    names = ("topic", "partition", "offset", "key", "stage", "reason", "at", "rows", "truncated")
    dead_letter = parse_dead_letter(0, 1, b"v", [(name, value) for name in names])
    assert dead_letter.origin_partition is None
    assert dead_letter.to_dict()["id"] == "0:1"
