import pytest

from topology.clock import from_iso, to_datetime, to_iso


def test_iso_times_end_in_z_and_read_back() -> None:
    assert to_iso(1546300800) == "2019-01-01T00:00:00Z"
    assert from_iso("2019-01-01T00:00:00Z") == 1546300800


def test_an_offset_is_taken_into_account_and_a_missing_one_is_utc() -> None:
    assert from_iso("2019-01-01T01:00:00+01:00") == from_iso("2019-01-01T00:00:00")


def test_datetimes_are_aware() -> None:
    assert to_datetime(0).utcoffset() is not None


def test_other_text_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        from_iso("yesterday")
