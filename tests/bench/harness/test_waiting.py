import pytest

from bench.harness.waiting import wait_for
from topology.errors import GridstressError


def test_waiting_ends_as_soon_as_it_is_so():
    answers = iter([False, False, True])
    wait_for(lambda: next(answers), "the third answer")
    assert list(answers) == []


def test_waiting_in_vain_says_for_what():
    with pytest.raises(GridstressError, match="not within 0 s: the moon"):
        wait_for(lambda: False, "the moon", timeout_s=0.0)
